/** Create requests by the id that their sender gave them, so that the same request makes one workspace. */
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

const KEPT_MS = 24 * 3_600_000;

export interface CreateRequest {
  workspaceId: string;
  /** Its workspace was made and deleted: it must not come back by a late repetition. */
  isOver: boolean;
}

/** @returns the request of this id that came first: this one, or an earlier */
export async function claimRequest(userId: string, requestId: string, workspaceId: string): Promise<CreateRequest> {
  try {
    await table.send(
      new PutCommand({
        TableName: tableName(),
        Item: { ...keyOf(userId, requestId), workspaceId, ttl: ttl() },
        ConditionExpression: "attribute_not_exists(pk)",
      }),
    );
    return { workspaceId, isOver: false };
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    return (await findRequest(userId, requestId)) ?? { workspaceId, isOver: false };
  }
}

export async function findRequest(userId: string, requestId: string): Promise<CreateRequest | undefined> {
  const { Item } = await table.send(
    new GetCommand({ TableName: tableName(), Key: keyOf(userId, requestId), ConsistentRead: true }),
  );
  return Item && { workspaceId: String(Item.workspaceId), isOver: Item.isOver === true };
}

/** Marks it as over; before the workspace's row goes. */
export async function endRequest(userId: string, requestId: string, workspaceId: string): Promise<void> {
  await table.send(
    new PutCommand({
      TableName: tableName(),
      Item: { ...keyOf(userId, requestId), workspaceId, isOver: true, ttl: ttl() },
    }),
  );
}

function ttl(): number {
  return toSeconds(clock.now() + KEPT_MS);
}

function keyOf(userId: string, requestId: string): { pk: string; sk: string } {
  return { pk: `USER#${userId}`, sk: `REQUEST#${requestId}` };
}
