/** The quota: a map of slots on the user's item, one for each instance that runs or is to run. */
import { GetCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { clock } from "#functions/runtime/clock.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

export type Slots = Readonly<Record<string, { at: number }>>;

/**
 * Takes a slot, or keeps the one that this instance has. The condition is the quota: two who come at once cannot both get the last.
 * @returns the slots that are taken, when there is none free
 */
export async function takeSlot(userId: string, instanceId: string, max: number): Promise<Slots | undefined> {
  if (await tryTake(userId, instanceId, max)) return undefined;
  // A condition on a map that is not there fails like any other.
  await makeMap(userId);
  if (await tryTake(userId, instanceId, max)) return undefined;
  return slotsOf(userId);
}

/** Right also when there is no such slot. */
export async function freeSlot(userId: string, instanceId: string): Promise<void> {
  try {
    await table.send(
      new UpdateCommand({
        TableName: tableName(),
        Key: keyOf(userId),
        UpdateExpression: "REMOVE slots.#id",
        ConditionExpression: "attribute_exists(slots.#id)",
        ExpressionAttributeNames: { "#id": instanceId },
      }),
    );
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}

export async function slotsOf(userId: string): Promise<Slots> {
  const { Item } = await table.send(
    new GetCommand({ TableName: tableName(), Key: keyOf(userId), ConsistentRead: true }),
  );
  return (Item?.slots as Slots | undefined) ?? {};
}

/** Everybody who ever had a slot, with the slots that are taken. */
export async function listSlots(): Promise<{ userId: string; slots: Slots }[]> {
  const found: { userId: string; slots: Slots }[] = [];
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.send(
      new QueryCommand({
        TableName: tableName(),
        IndexName: "byDeadline",
        KeyConditionExpression: "gsi2pk = :slots",
        ExpressionAttributeValues: { ":slots": "SLOTS" },
        ExclusiveStartKey: next,
      }),
    );
    for (const item of page.Items ?? []) {
      found.push({ userId: String(item.pk).slice("USER#".length), slots: (item.slots ?? {}) as Slots });
    }
    next = page.LastEvaluatedKey;
  } while (next);
  return found;
}

async function tryTake(userId: string, instanceId: string, max: number): Promise<boolean> {
  try {
    await table.send(
      new UpdateCommand({
        TableName: tableName(),
        Key: keyOf(userId),
        UpdateExpression: "SET slots.#id = :slot, gsi2pk = :slots, gsi2sk = :none",
        ConditionExpression: "attribute_exists(slots.#id) OR size(slots) < :max",
        ExpressionAttributeNames: { "#id": instanceId },
        ExpressionAttributeValues: { ":slot": { at: clock.now() }, ":max": max, ":slots": "SLOTS", ":none": 0 },
      }),
    );
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

async function makeMap(userId: string): Promise<void> {
  await table.send(
    new UpdateCommand({
      TableName: tableName(),
      Key: keyOf(userId),
      UpdateExpression: "SET slots = if_not_exists(slots, :empty)",
      ExpressionAttributeValues: { ":empty": {} },
    }),
  );
}

function keyOf(userId: string): { pk: string; sk: string } {
  return { pk: `USER#${userId}`, sk: "USER" };
}
