/** Signs of life, in an item of their own: they come each minute, and must not move the workspace's revision. */
import { DeleteCommand, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

/** Somewhat less than the minute between two, so that a punctual one is written. */
const LEAST_BETWEEN_MS = 50_000;

export interface Heartbeat {
  instanceId: string;
  /** When it came. */
  at: number;
  /** When somebody last used the workspace. */
  activeAt: number;
}

/** @returns false when one was written within the last minute */
export async function putHeartbeat(workspaceId: string, beat: Heartbeat): Promise<boolean> {
  try {
    await table.send(
      new PutCommand({
        TableName: tableName(),
        Item: { ...keyOf(workspaceId), ...beat },
        ConditionExpression: "attribute_not_exists(pk) OR instanceId <> :instance OR #at < :before",
        ExpressionAttributeNames: { "#at": "at" },
        ExpressionAttributeValues: { ":instance": beat.instanceId, ":before": beat.at - LEAST_BETWEEN_MS },
      }),
    );
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

export async function getHeartbeat(workspaceId: string): Promise<Heartbeat | undefined> {
  const { Item } = await table.send(
    new GetCommand({ TableName: tableName(), Key: keyOf(workspaceId), ConsistentRead: true }),
  );
  return Item as unknown as Heartbeat | undefined;
}

export async function removeHeartbeat(workspaceId: string): Promise<void> {
  await table.send(new DeleteCommand({ TableName: tableName(), Key: keyOf(workspaceId) }));
}

function keyOf(workspaceId: string): { pk: string; sk: string } {
  return { pk: `WORKSPACE#${workspaceId}`, sk: "HEARTBEAT" };
}
