/** Facts of former runs, for whoever asks later where the time went. Kept for 30 days, and gone with their workspace. */
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { removeItems } from "#functions/runtime/remove-items.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";
import type { Instance } from "./facts.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

const KEPT_MS = 30 * 24 * 3_600_000;

/** Keeps the run that a row holds, without its secret's hash. Of two writes the one of the later revision stays. */
export async function keepInstance({ id, run, revision, instance }: WorkspaceRow): Promise<void> {
  if (!instance) return;
  const { secretHash: _, ...facts } = instance;
  try {
    await table.send(
      new PutCommand({
        TableName: tableName(),
        Item: { ...keyOf(id, run), instance: facts, revision, ttl: toSeconds(clock.now() + KEPT_MS) },
        ConditionExpression: "attribute_not_exists(pk) OR revision < :revision",
        ExpressionAttributeValues: { ":revision": revision },
      }),
    );
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}

export async function getPastInstance(workspaceId: string, run: number): Promise<Instance | undefined> {
  const { Item } = await table.send(
    new GetCommand({ TableName: tableName(), Key: keyOf(workspaceId, run), ConsistentRead: true }),
  );
  return Item?.instance as Instance | undefined;
}

export function removePastInstances(workspaceId: string): Promise<void> {
  return removeItems(partitionOf(workspaceId), "INSTANCE#");
}

function keyOf(workspaceId: string, run: number): { pk: string; sk: string } {
  return { pk: partitionOf(workspaceId), sk: `INSTANCE#${String(run).padStart(9, "0")}` };
}

function partitionOf(workspaceId: string): string {
  return `WORKSPACE#${workspaceId}`;
}
