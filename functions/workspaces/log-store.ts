/** What instances log for the start page: chunks in their order, kept for a week. */
import { PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { removeItems } from "#functions/runtime/remove-items.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

const KEPT_MS = 7 * 24 * 3_600_000;
/** Of one instance. It runs code of strangers, who must not fill the table. */
const MAX_CHARACTERS = 2_000_000;
/** What one answer gives; who wants more asks again from where it ended. */
const MAX_ANSWER_CHARACTERS = 1_000_000;

export interface LogChunk {
  sequence: number;
  text: string;
}

/** @returns false for a chunk that is there already, and when the instance has said too much */
export async function putLogChunk(instanceId: string, chunk: LogChunk): Promise<boolean> {
  const ttl = toSeconds(clock.now() + KEPT_MS);
  try {
    await table.send(
      new UpdateCommand({
        TableName: tableName(),
        Key: { pk: logKey(instanceId), sk: "total" },
        UpdateExpression: "ADD characters :more SET #ttl = :ttl",
        ConditionExpression: "attribute_not_exists(characters) OR characters <= :most",
        ExpressionAttributeNames: { "#ttl": "ttl" },
        ExpressionAttributeValues: {
          ":more": chunk.text.length,
          ":most": MAX_CHARACTERS - chunk.text.length,
          ":ttl": ttl,
        },
      }),
    );
    await table.send(
      new PutCommand({
        TableName: tableName(),
        Item: { pk: logKey(instanceId), sk: sequenceKey(chunk.sequence), text: chunk.text, ttl },
        ConditionExpression: "attribute_not_exists(pk)",
      }),
    );
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

/** What was logged after a sequence, in order, as much as fits an answer. */
export async function readLog(instanceId: string, after: number): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  let characters = 0;
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.send(
      new QueryCommand({
        TableName: tableName(),
        KeyConditionExpression: "pk = :log AND sk BETWEEN :from AND :to",
        ExpressionAttributeValues: { ":log": logKey(instanceId), ":from": sequenceKey(after + 1), ":to": "999999999" },
        ConsistentRead: true,
        ExclusiveStartKey: next,
      }),
    );
    for (const { sk, text } of page.Items ?? []) {
      characters += String(text).length;
      if (characters > MAX_ANSWER_CHARACTERS && chunks.length > 0) return chunks;
      chunks.push({ sequence: Number(sk), text: String(text) });
    }
    next = page.LastEvaluatedKey;
  } while (next);
  return chunks;
}

export function removeLog(instanceId: string): Promise<void> {
  return removeItems(logKey(instanceId));
}

/** The sequence is padded, so that the order of keys is the order of chunks. */
function sequenceKey(sequence: number): string {
  return String(Math.min(sequence, 999_999_999)).padStart(9, "0");
}

function logKey(instanceId: string): string {
  return `LOG#${instanceId}`;
}
