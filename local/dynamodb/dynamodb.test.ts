import { rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { HeldClock } from "../clock.ts";
import type { Service } from "../service.ts";
import { callJson, temporaryFolder, testContext } from "../test-context.ts";
import { createDynamodb } from "./create-dynamodb.ts";

const table = {
  TableName: "things",
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "owner", AttributeType: "S" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "byOwner",
      KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }],
      Projection: { ProjectionType: "ALL" },
    },
  ],
  TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
};

const running: Service[] = [];
async function open(stateDirectory?: string, clock = new HeldClock()) {
  const service = await createDynamodb(testContext({ stateDirectory, clock }));
  running.push(service);
  const call = async (operation: string, input: object) =>
    (await callJson(service, operation, { TableName: "things", ...input })).body;
  return {
    service,
    clock,
    call,
    deploy: (properties: object) => service.resources["AWS::DynamoDB::Table"]?.deploy("T", { ...properties }),
  };
}
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop?.();
});

describe("a table", () => {
  it("takes conditional writes, is read by its index, and answers with DynamoDB's errors", async () => {
    const { call, deploy } = await open();
    expect(await deploy(table)).toEqual({
      ref: "things",
      attributes: { Arn: "arn:aws:dynamodb:us-east-1:000000000000:table/things" },
    });
    const put = { Item: { pk: { S: "1" }, owner: { S: "ann" } }, ConditionExpression: "attribute_not_exists(pk)" };
    await call("PutItem", put);
    expect(await call("PutItem", put)).toMatchObject({ __type: "ConditionalCheckFailedException" });
    const query = {
      IndexName: "byOwner",
      KeyConditionExpression: "#o = :o",
      ExpressionAttributeNames: { "#o": "owner" },
      ExpressionAttributeValues: { ":o": { S: "ann" } },
    };
    expect((await call("Query", query)).Items).toEqual([put.Item]);
    expect(await call("TransactWriteItems", {})).toMatchObject({ __type: "UnknownOperationException" });
  });

  it("keeps its items across restarts, and refuses a key schema that has changed", async () => {
    const folder = temporaryFolder();
    const before = await open(folder);
    await before.deploy(table);
    await before.call("PutItem", { Item: { pk: { S: "kept" }, owner: { S: "o" } } });
    await running.pop()?.stop?.();
    const after = await open(folder);
    await after.deploy(table);
    expect((await after.call("GetItem", { Key: { pk: { S: "kept" } } })).Item).toMatchObject({ owner: { S: "o" } });
    await expect(after.deploy({ ...table, KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }] })).rejects.toThrow(
      "KeySchema of the table things differs",
    );
    await running.pop()?.stop?.();
    rmSync(folder, { recursive: true });
  });

  it("loses items some minutes after their time, and no others", async () => {
    const { service, call, clock, deploy } = await open();
    await deploy(table);
    await service.start?.();
    const seconds = clock.now() / 1000;
    for (const [pk, ttl] of [
      ["over", seconds + 10],
      ["to come", seconds + 3600],
      ["past", seconds - 10],
    ] as const) {
      await call("PutItem", { Item: { pk: { S: pk }, owner: { S: "o" }, ttl: { N: String(ttl) } } });
    }
    await clock.advance(5 * 60_000);
    await expect
      .poll(async () => (await call("Scan", {})).Items.map((item: { pk: { S: string } }) => item.pk.S))
      .toEqual(["to come"]);
  });
});
