/** People who signed in, and which repositories they have opened. */
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { clock } from "#functions/runtime/clock.ts";
import { table, tableName } from "#functions/runtime/table.ts";

export interface User {
  id: string;
  name: string;
  email?: string;
}

/** Writes down who signed in. Their slots stay as they are. */
export async function upsertUser(user: User): Promise<void> {
  await table.send(
    new UpdateCommand({
      TableName: tableName(),
      Key: userKey(user.id),
      UpdateExpression: `SET #name = :name, slots = if_not_exists(slots, :none) ${user.email ? ", email = :email" : "REMOVE email"}`,
      ExpressionAttributeNames: { "#name": "name" },
      ExpressionAttributeValues: { ":name": user.name, ":none": {}, ...(user.email ? { ":email": user.email } : {}) },
    }),
  );
}

export async function getUser(id: string): Promise<User | undefined> {
  const { Item } = await table.send(new GetCommand({ TableName: tableName(), Key: userKey(id) }));
  if (!Item) return undefined;
  return { id, name: String(Item.name), ...(Item.email ? { email: String(Item.email) } : {}) };
}

/** Whether this person opened this repository before, so that a link to it may start without a click. */
export async function wasOpened(userId: string, cloneUrl: string): Promise<boolean> {
  const { Item } = await table.send(new GetCommand({ TableName: tableName(), Key: openedKey(userId, cloneUrl) }));
  return Item !== undefined;
}

export async function rememberOpened(userId: string, cloneUrl: string): Promise<void> {
  await table.send(
    new PutCommand({ TableName: tableName(), Item: { ...openedKey(userId, cloneUrl), at: clock.now() } }),
  );
}

function userKey(id: string): { pk: string; sk: string } {
  return { pk: `USER#${id}`, sk: "USER" };
}

function openedKey(userId: string, cloneUrl: string): { pk: string; sk: string } {
  return { pk: `USER#${userId}`, sk: `OPENED#${cloneUrl}` };
}
