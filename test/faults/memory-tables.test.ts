import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DynaliteStore, openDynalite } from "#local/dynamodb/dynalite-store.ts";
import { MemoryTables } from "./memory-tables.ts";

const TABLE = {
  TableName: "state",
  AttributeDefinitions: ["pk", "sk", "g"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "byG",
      KeySchema: [
        { AttributeName: "g", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "ALL" },
    },
  ],
  BillingMode: "PAY_PER_REQUEST",
};

let dynalite: DynaliteStore;

beforeAll(async () => {
  dynalite = await openDynalite({ folder: undefined, region: "us-east-1", accountId: "000000000000" });
});
afterAll(() => dynalite.close());

const text = fc.constantFrom("a", "b", "c");
const key = fc.record({ pk: text, sk: text }).map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
const values = (names: Record<string, unknown>) => ({ ExpressionAttributeValues: names });

/** As the stores of the product use the table. */
const call = fc.oneof(
  fc.tuple(key, text, fc.integer({ min: 0, max: 3 }), fc.boolean()).map(([Key, g, n, isNew]) => ({
    operation: "PutItem",
    input: {
      Item: { ...Key, g: { S: g }, n: { N: String(n) }, slots: { M: {} } },
      ...(isNew ? { ConditionExpression: "attribute_not_exists(pk)" } : {}),
    },
  })),
  fc.tuple(key, fc.integer({ min: 0, max: 3 })).map(([Key, n]) => ({
    operation: "PutItem",
    input: {
      Item: { ...Key, n: { N: String(n) } },
      ConditionExpression: "n = :before",
      ...values({ ":before": { N: String(n) } }),
    },
  })),
  fc.tuple(key, text).map(([Key, id]) => ({
    operation: "UpdateItem",
    input: {
      Key,
      UpdateExpression: "SET slots.#id = :slot",
      ConditionExpression: "attribute_exists(slots.#id) OR size(slots) < :max",
      ExpressionAttributeNames: { "#id": id },
      ...values({ ":slot": { M: { at: { N: "1" } } }, ":max": { N: "2" } }),
    },
  })),
  fc.tuple(key, text).map(([Key, id]) => ({
    operation: "UpdateItem",
    input: {
      Key,
      UpdateExpression: "REMOVE slots.#id",
      ConditionExpression: "attribute_exists(slots.#id)",
      ExpressionAttributeNames: { "#id": id },
    },
  })),
  key.map((Key) => ({
    operation: "UpdateItem",
    input: { Key, UpdateExpression: "SET slots = if_not_exists(slots, :none)", ...values({ ":none": { M: {} } }) },
  })),
  fc.tuple(key, fc.integer({ min: 0, max: 3 })).map(([Key, n]) => ({
    operation: "DeleteItem",
    input: {
      Key,
      ConditionExpression: "n > :now",
      ReturnValues: "ALL_OLD",
      ...values({ ":now": { N: String(n) } }),
    },
  })),
  key.map((Key) => ({ operation: "GetItem", input: { Key, ConsistentRead: true } })),
  fc.tuple(text, text, fc.boolean()).map(([pk, prefix, ScanIndexForward]) => ({
    operation: "Query",
    input: {
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ScanIndexForward,
      ...values({ ":pk": { S: pk }, ":prefix": { S: prefix } }),
    },
  })),
  fc.tuple(text, text, text).map(([pk, from, to]) => ({
    operation: "Query",
    input: {
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ProjectionExpression: "pk, sk",
      ...values({ ":pk": { S: pk }, ":from": { S: from < to ? from : to }, ":to": { S: from < to ? to : from } }),
    },
  })),
  text.map((g) => ({
    operation: "Query",
    input: { IndexName: "byG", KeyConditionExpression: "g = :g", ...values({ ":g": { S: g } }) },
  })),
);

it("answers as dynalite does, whatever is asked in whatever order", { timeout: 120_000 }, async () => {
  let tables = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
      const TableName = `state${tables++}`;
      const memory = new MemoryTables().open(() => true);
      for (const store of [memory, dynalite]) await store.call("CreateTable", structuredClone({ ...TABLE, TableName }));
      while (!JSON.stringify(await dynalite.call("DescribeTable", { TableName })).includes("ACTIVE")) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const { operation, input } of calls) {
        const [ours, theirs] = await Promise.all(
          [memory, dynalite].map((store) => answer(store, operation, structuredClone({ ...input, TableName }))),
        );
        expect(ours).toEqual(theirs);
      }
    }),
    { numRuns: 60 },
  );
});

async function answer(store: DynaliteStore, operation: string, input: Record<string, unknown>): Promise<unknown> {
  try {
    const output = JSON.parse(JSON.stringify(await store.call(operation, input))) as {
      Items?: { pk: { S: string } }[];
    };
    // Items of an index that have the same key come in no particular order.
    const Items =
      output.Items && input.IndexName ? output.Items.map((item) => JSON.stringify(item)).sort() : output.Items;
    return { ...output, ...(Items ? { Items } : {}) };
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  }
}

it("answers of an index what was so some time ago, and of the table what is", async () => {
  let now = 1_000;
  const tables = new MemoryTables();
  tables.now = () => now;
  tables.indexLag = () => 0;
  const memory = tables.open(() => true);
  await memory.call("CreateTable", structuredClone(TABLE));
  const put = (sk: string, g: string, n: number) =>
    memory.call("PutItem", {
      TableName: "state",
      Item: { pk: { S: "a" }, sk: { S: sk }, g: { S: g }, n: { N: String(n) } },
    });
  const query = async (lagMs: number, key: Record<string, unknown>): Promise<string[]> => {
    tables.indexLag = () => lagMs;
    const { Items } = (await memory.call("Query", { TableName: "state", ...key })) as {
      Items: Record<string, { S: string; N: string }>[];
    };
    return Items.map((item) => `${item.sk?.S}${item.n?.N}`);
  };
  const index = { IndexName: "byG", KeyConditionExpression: "g = :g", ...values({ ":g": { S: "x" } }) };
  await put("a", "x", 1);
  now = 2_000;
  await put("a", "x", 2);
  await put("b", "x", 1);
  now = 3_000;
  await put("a", "y", 3);
  await memory.call("DeleteItem", { TableName: "state", Key: { pk: { S: "a" }, sk: { S: "b" } } });
  now = 4_000;
  expect(await query(0, index)).toEqual([]);
  expect(await query(1_500, index)).toEqual(["a2", "b1"]);
  expect(await query(2_500, index)).toEqual(["a1"]);
  expect(await query(3_500, index)).toEqual([]);
  const table = { KeyConditionExpression: "pk = :pk", ...values({ ":pk": { S: "a" } }) };
  expect(await query(3_500, table)).toEqual(["a3"]);
});
