/** Whose a workspace is. To everybody else, and once it is deleted, it does not exist: ids cannot be probed. */
import { AtelierError } from "#protocol/errors.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { getWorkspace } from "./workspace-store.ts";

/** @throws AtelierError NOT_FOUND */
export function assertOwner(row: WorkspaceRow | undefined, userId: string): asserts row is WorkspaceRow {
  if (!row || row.ownerId !== userId || row.deleted) throw notFound();
}

/** @throws AtelierError NOT_FOUND */
export async function getOwnWorkspace(id: string, userId: string): Promise<WorkspaceRow> {
  const row = await getWorkspace(id);
  assertOwner(row, userId);
  return row;
}

export function notFound(): AtelierError {
  return new AtelierError(
    "NOT_FOUND",
    "There is no such workspace, or it is not yours. Look at your list of workspaces.",
  );
}
