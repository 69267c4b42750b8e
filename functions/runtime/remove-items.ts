/** Removes whole ranges of the table, which DynamoDB itself cannot. */
import { BatchWriteCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { table, tableName } from "./table.ts";

type Item = Record<string, unknown>;

/** DynamoDB deletes at most so many items a call. */
const BATCH = 25;

/** Every item under `pk`, or those whose `sk` begins with a prefix. It can be killed anywhere and asked again. */
export async function removeItems(pk: string, skPrefix?: string): Promise<void> {
  let next: Item | undefined;
  do {
    const page = await table.send(
      new QueryCommand({
        TableName: tableName(),
        KeyConditionExpression: skPrefix === undefined ? "pk = :pk" : "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ...(skPrefix === undefined ? {} : { ":prefix": skPrefix }) },
        ProjectionExpression: "pk, sk",
        ConsistentRead: true,
        ExclusiveStartKey: next,
      }),
    );
    const keys = page.Items ?? [];
    for (let from = 0; from < keys.length; from += BATCH) await removeBatch(keys.slice(from, from + BATCH));
    next = page.LastEvaluatedKey;
  } while (next);
}

async function removeBatch(keys: Item[]): Promise<void> {
  let left: Item[] = keys.map((Key) => ({ DeleteRequest: { Key } }));
  while (left.length > 0) {
    const answer = await table.send(new BatchWriteCommand({ RequestItems: { [tableName()]: left } }));
    left = answer.UnprocessedItems?.[tableName()] ?? [];
  }
}
