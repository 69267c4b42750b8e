import type { DynaliteStore } from "./dynalite-store.ts";

interface Page {
  Items?: Record<string, unknown>[];
  LastEvaluatedKey?: Record<string, unknown>;
}

/**
 * Deletes the items whose time is over, as DynamoDB's TTL does: some time after it, and only if it still is.
 * @param attribute number of seconds since 1970
 * @returns how many were deleted
 */
export async function expireItems(
  store: DynaliteStore,
  table: string,
  attribute: string,
  now: number,
): Promise<number> {
  const { Table } = await store.call("DescribeTable", { TableName: table });
  const keys = (Table as { KeySchema: { AttributeName: string }[] }).KeySchema.map((key) => key.AttributeName);
  const condition = {
    ExpressionAttributeNames: { "#ttl": attribute },
    ExpressionAttributeValues: { ":now": { N: String(Math.floor(now / 1000)) } },
  };
  let deleted = 0;
  let start: Record<string, unknown> | undefined;
  do {
    const page = (await store.call("Scan", {
      TableName: table,
      FilterExpression: "#ttl < :now",
      ...structuredClone(condition),
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    })) as Page;
    for (const item of page.Items ?? []) {
      const Key = Object.fromEntries(keys.map((key) => [key, item[key]]));
      const request = { TableName: table, Key, ConditionExpression: "#ttl < :now", ...structuredClone(condition) };
      // Renewed meanwhile: it stays.
      deleted += await store
        .call("DeleteItem", request)
        .then(() => 1)
        .catch(() => 0);
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return deleted;
}
