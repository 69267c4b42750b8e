/** Who is connected, and who hears of what. */
import { DeleteCommand, GetCommand, PutCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { InstanceCall, UserCall } from "#functions/rpc/call.ts";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

/** API Gateway ends a connection after two hours; half an hour later its rows may go even if `$disconnect` never came. */
const LIFETIME_MS = 150 * 60_000;

/** Somebody at the other end of a socket. */
export type Peer = UserCall | Omit<InstanceCall, "row">;

export interface Connection {
  id: string;
  peer: Peer;
  /** Whether pushes reach it already. */
  subscribed: boolean;
}

export async function putConnection(id: string, peer: Peer): Promise<void> {
  await table.send(
    new PutCommand({ TableName: tableName(), Item: { ...connectionKey(id), ...peer, subscribed: false, ttl: ttl() } }),
  );
}

export async function getConnection(id: string): Promise<Connection | undefined> {
  const { Item } = await table.send(
    new GetCommand({ TableName: tableName(), Key: connectionKey(id), ConsistentRead: true }),
  );
  if (!Item) return undefined;
  const { pk: _pk, sk: _sk, ttl: _ttl, subscribed, ...peer } = Item;
  return { id, peer: peer as unknown as Peer, subscribed: subscribed === true };
}

/** Lets pushes reach a connection. A connection that ended meanwhile leaves nothing behind. */
export async function subscribe(connection: Connection): Promise<void> {
  const key = { pk: audienceOf(connection.peer), sk: `CONNECTION#${connection.id}` };
  await table.send(new PutCommand({ TableName: tableName(), Item: { ...key, ttl: ttl() } }));
  try {
    await table.send(
      new UpdateCommand({
        TableName: tableName(),
        Key: connectionKey(connection.id),
        UpdateExpression: "SET subscribed = :yes",
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeValues: { ":yes": true },
      }),
    );
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    await table.send(new DeleteCommand({ TableName: tableName(), Key: key }));
  }
}

/** Forgets a connection and its subscription; right also when one or both are gone. */
export async function removeConnection(id: string): Promise<void> {
  const { Attributes } = await table.send(
    new DeleteCommand({ TableName: tableName(), Key: connectionKey(id), ReturnValues: "ALL_OLD" }),
  );
  if (Attributes) await removeSubscription(audienceOf(Attributes as unknown as Peer), id);
}

/** Forgets one subscription. @param audience as `audiencesOf` gives it */
export async function removeSubscription(audience: string, connectionId: string): Promise<void> {
  await table.send(
    new DeleteCommand({ TableName: tableName(), Key: { pk: audience, sk: `CONNECTION#${connectionId}` } }),
  );
}

/** An owner and a workspace's supervisor as partition keys of their connections. */
export function audiencesOf({ ownerId, workspaceId }: { ownerId: string; workspaceId?: string }): string[] {
  return [`USER#${ownerId}`, ...(workspaceId === undefined ? [] : [`WORKSPACE#${workspaceId}`])];
}

/** Ids of the connections that an audience has now. */
export async function connectionsOf(audience: string): Promise<string[]> {
  const ids: string[] = [];
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.send(
      new QueryCommand({
        TableName: tableName(),
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :connection)",
        ExpressionAttributeValues: { ":pk": audience, ":connection": "CONNECTION#" },
        ExclusiveStartKey: next,
        // A socket that subscribed a moment ago must not miss what happens next.
        ConsistentRead: true,
      }),
    );
    for (const item of page.Items ?? []) ids.push(String(item.sk).slice("CONNECTION#".length));
    next = page.LastEvaluatedKey;
  } while (next);
  return ids;
}

function audienceOf(peer: Peer): string {
  return peer.kind === "user" ? `USER#${peer.userId}` : `WORKSPACE#${peer.workspaceId}`;
}

function connectionKey(id: string): { pk: string; sk: string } {
  return { pk: `CONNECTION#${id}`, sk: "CONNECTION" };
}

function ttl(): number {
  return toSeconds(clock.now() + LIFETIME_MS);
}
