import { isDeepStrictEqual } from "node:util";
import { ApiError } from "../endpoint/api-error.ts";
import { physicalName } from "../identifier.ts";
import type { Deployed, ResourceProvider } from "../service.ts";
import type { DynaliteStore } from "./dynalite-store.ts";

export interface TableDependencies {
  readonly store: DynaliteStore;
  arnOf(table: string): string;
  /** Items of the table end by this attribute (seconds since 1970). */
  expireBy(table: string, attribute: string): void;
}

/** `AWS::DynamoDB::Table`: made at first, kept as it is by later starts. */
export function tableProvider({ store, arnOf, expireBy }: TableDependencies): ResourceProvider {
  return {
    properties: {
      TableName: "executed",
      KeySchema: "executed",
      AttributeDefinitions: "executed",
      GlobalSecondaryIndexes: "executed",
      LocalSecondaryIndexes: "executed",
      TimeToLiveSpecification: "executed",
      BillingMode: { inert: "throughput is not limited and nothing is billed" },
      ProvisionedThroughput: { inert: "throughput is not limited" },
      OnDemandThroughput: { inert: "throughput is not limited" },
      PointInTimeRecoverySpecification: { inert: "the state directory is backed up as files" },
      SSESpecification: { inert: "items rest in the state directory, readable by its owner only" },
      DeletionProtectionEnabled: { inert: "nothing is deleted by the embedded cloud" },
      TableClass: { inert: "nothing is billed" },
      ContributorInsightsSpecification: { inert: "metrics are not modelled" },
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties): Promise<Deployed> {
      const name = String(properties.TableName ?? physicalName(logicalId));
      const wanted = {
        TableName: name,
        KeySchema: properties.KeySchema,
        AttributeDefinitions: properties.AttributeDefinitions,
        BillingMode: "PAY_PER_REQUEST",
        ...pickIndexes(properties),
      };
      const existing = await describeTable(store, name);
      if (existing === undefined) await createTable(store, wanted);
      else refuseChanges(name, existing, wanted);
      const ttl = properties.TimeToLiveSpecification as { AttributeName: string; Enabled: boolean } | undefined;
      if (ttl?.Enabled) expireBy(name, ttl.AttributeName);
      return { ref: name, attributes: { Arn: arnOf(name) } };
    },
  };
}

async function createTable(store: DynaliteStore, input: Record<string, unknown>): Promise<void> {
  await store.call("CreateTable", structuredClone(input));
  // dynalite makes a table active in its next turn of the event loop.
  while ((await describeTable(store, String(input.TableName)))?.TableStatus !== "ACTIVE") {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function describeTable(store: DynaliteStore, name: string): Promise<Record<string, unknown> | undefined> {
  try {
    const { Table: table } = await store.call("DescribeTable", { TableName: name });
    return table as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ApiError && error.code === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

/** CloudFormation would replace the table and lose its items; here a person decides. */
function refuseChanges(name: string, existing: Record<string, unknown>, wanted: Record<string, unknown>): void {
  for (const part of ["KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"]) {
    if (isDeepStrictEqual(shapeOf(existing[part]), shapeOf(wanted[part]))) continue;
    throw new Error(
      `${part} of the table ${name} differs from that of the existing table. ` +
        "Start with the earlier version, or with another (empty) state directory.",
    );
  }
}

/** What identifies keys and indexes, without what DynamoDB adds when it describes them. */
function shapeOf(part: unknown): unknown {
  const items = (part ?? []) as Record<string, unknown>[];
  const shapes = items.map((item) =>
    item.IndexName === undefined
      ? { name: item.AttributeName, type: item.KeyType }
      : { name: item.IndexName, keys: shapeOf(item.KeySchema), projection: item.Projection },
  );
  return shapes.sort((left, right) => String(left.name).localeCompare(String(right.name)));
}

function pickIndexes(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const kind of ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]) {
    const indexes = properties[kind] as Record<string, unknown>[] | undefined;
    if (indexes === undefined) continue;
    picked[kind] = indexes.map(({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection }));
  }
  return picked;
}
