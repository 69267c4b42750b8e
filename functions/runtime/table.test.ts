import { GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isConditionFailed, table, tableName } from "./table.ts";
import { startTestTable } from "./test-table.ts";

let stop: () => Promise<void>;
beforeAll(async () => {
  stop = await startTestTable();
});
afterAll(() => stop());

it("keeps an item, without the attributes that are undefined", async () => {
  const key = { pk: "A", sk: "B" };
  await table.send(new PutCommand({ TableName: tableName(), Item: { ...key, n: 1, none: undefined } }));
  const { Item } = await table.send(new GetCommand({ TableName: tableName(), Key: key }));
  expect(Item).toEqual({ ...key, n: 1 });
});

it("knows a failed condition from other errors", async () => {
  const put = new PutCommand({
    TableName: tableName(),
    Item: { pk: "A", sk: "B" },
    ConditionExpression: "attribute_not_exists(pk)",
  });
  const error = await table.send(put).catch((e: unknown) => e);
  expect(isConditionFailed(error)).toBe(true);
  expect(isConditionFailed(new Error("other"))).toBe(false);
});

it("finds items by deadline", async () => {
  await table.send(new PutCommand({ TableName: tableName(), Item: { pk: "C", sk: "D", gsi2pk: "ACTIVE", gsi2sk: 5 } }));
  const { Items } = await table.send(
    new QueryCommand({
      TableName: tableName(),
      IndexName: "byDeadline",
      KeyConditionExpression: "gsi2pk = :p AND gsi2sk < :d",
      ExpressionAttributeValues: { ":p": "ACTIVE", ":d": 6 },
    }),
  );
  expect(Items).toHaveLength(1);
});
