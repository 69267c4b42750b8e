/** Rows of workspaces. A row is written whole, and only over the revision that was read. */
import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";
import { derive } from "./phase.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

type Item = Record<string, unknown>;

/** The row as it is now (strongly consistent), also one that is being deleted. */
export async function getWorkspace(id: string): Promise<WorkspaceRow | undefined> {
  const { Item } = await table.send(new GetCommand({ TableName: tableName(), Key: keyOf(id), ConsistentRead: true }));
  return Item && rowOf(Item);
}

/** Writes a new row. @returns false when there is one of this id already */
export function insertWorkspace(row: WorkspaceRow): Promise<boolean> {
  return put(row, "attribute_not_exists(pk)", undefined);
}

/** Writes over the revision that `row` grew from. @returns false when the row is another, or gone, by now */
export function replaceWorkspace(row: WorkspaceRow): Promise<boolean> {
  return put(row, "revision = :before", { ":before": row.revision - 1 });
}

/** @returns false when the row has another revision by now */
export async function removeWorkspace(row: WorkspaceRow): Promise<boolean> {
  return conditionally(
    new DeleteCommand({
      TableName: tableName(),
      Key: keyOf(row.id),
      ConditionExpression: "attribute_not_exists(pk) OR revision = :known",
      ExpressionAttributeValues: { ":known": row.revision },
    }),
  );
}

/** All of a person's that are not deleted, newest first. From an index: it may miss what was written a moment ago. */
export async function listWorkspacesOf(ownerId: string): Promise<WorkspaceRow[]> {
  const rows = await query("byOwner", "gsi1pk = :key", { ":key": `OWNER#${ownerId}` }, false);
  return rows.filter((row) => row.deleted === undefined);
}

/** All of which something is to be watched, the most urgent first. From an index, as above. */
export function listActiveWorkspaces(): Promise<WorkspaceRow[]> {
  return query("byDeadline", "gsi2pk = :key", { ":key": "ACTIVE" }, true);
}

async function query(index: string, condition: string, values: Item, forward: boolean): Promise<WorkspaceRow[]> {
  const rows: WorkspaceRow[] = [];
  let next: Item | undefined;
  do {
    const page = await table.send(
      new QueryCommand({
        TableName: tableName(),
        IndexName: index,
        KeyConditionExpression: condition,
        ExpressionAttributeValues: values,
        ScanIndexForward: forward,
        ExclusiveStartKey: next,
      }),
    );
    rows.push(...(page.Items ?? []).map(rowOf));
    next = page.LastEvaluatedKey;
  } while (next);
  return rows;
}

function put(row: WorkspaceRow, condition: string, values: Item | undefined): Promise<boolean> {
  return conditionally(
    new PutCommand({
      TableName: tableName(),
      Item: itemOf(row),
      ConditionExpression: condition,
      ...(values ? { ExpressionAttributeValues: values } : {}),
    }),
  );
}

async function conditionally(command: PutCommand | DeleteCommand): Promise<boolean> {
  try {
    await (command instanceof PutCommand ? table.send(command) : table.send(command));
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

/** What follows from the facts is stored in the same write, for the indexes and for whoever looks into the table. */
function itemOf(row: WorkspaceRow): Item {
  const derived = row.instance && derive(row.instance);
  const settled = derived === undefined || (derived.phase === "stopped" && row.instance?.slotFreedAt !== undefined);
  const isWatched = !settled || row.deleted !== undefined || (row.strays?.length ?? 0) > 0;
  return {
    ...keyOf(row.id),
    ...row,
    phase: derived?.phase,
    deadlineAt: derived?.deadlineAt,
    gsi1pk: `OWNER#${row.ownerId}`,
    gsi1sk: `${row.createdAt}#${row.id}`,
    ...(isWatched ? { gsi2pk: "ACTIVE", gsi2sk: derived?.deadlineAt ?? row.deleted?.at ?? 0 } : {}),
  };
}

function rowOf(item: Item): WorkspaceRow {
  const { pk, sk, gsi1pk, gsi1sk, gsi2pk, gsi2sk, phase, deadlineAt, ...row } = item;
  return row as unknown as WorkspaceRow;
}

function keyOf(id: string): { pk: string; sk: string } {
  return { pk: `WORKSPACE#${id}`, sk: "WORKSPACE" };
}
