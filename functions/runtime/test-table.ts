/**
 * For tests: a table of its own in dynalite, in memory, with the schema of ARCHITECTURE.md. Sets the environment that
 * `table.ts` reads, so call it before the first request: `const stop = await startTestTable()` in `beforeAll`.
 */
import type { AddressInfo } from "node:net";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";

const ATTRIBUTES = { pk: "S", sk: "S", gsi1pk: "S", gsi1sk: "S", gsi2pk: "S", gsi2sk: "N" } as const;

/** @returns what ends it */
export async function startTestTable(): Promise<() => Promise<void>> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.AWS_ENDPOINT_URL_DYNAMODB = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.AWS_REGION ??= "us-east-1";
  process.env.AWS_ACCESS_KEY_ID ??= "test";
  process.env.AWS_SECRET_ACCESS_KEY ??= "test";
  process.env.LOG_LEVEL ??= "off";
  process.env.TABLE_NAME ??= "atelier";
  const client = new DynamoDBClient({});
  await client.send(
    new CreateTableCommand({
      TableName: process.env.TABLE_NAME,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: Object.entries(ATTRIBUTES).map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [index("byOwner", "gsi1"), index("byDeadline", "gsi2")],
    }),
  );
  client.destroy();
  return async () => {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  };
}

function index(name: string, prefix: string) {
  return {
    IndexName: name,
    KeySchema: [
      { AttributeName: `${prefix}pk`, KeyType: "HASH" as const },
      { AttributeName: `${prefix}sk`, KeyType: "RANGE" as const },
    ],
    Projection: { ProjectionType: "ALL" as const },
  };
}
