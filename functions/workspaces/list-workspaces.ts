/** workspace.list */
import type { Handler } from "#functions/rpc/call.ts";
import { digestOf } from "#protocol/digest.ts";
import { AtelierError } from "#protocol/errors.ts";
import type { Workspace } from "#protocol/workspace.ts";
import { bytes, presentWorkspace } from "./present-workspace.ts";
import { site } from "./site.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { listWorkspacesOf } from "./workspace-store.ts";

/** A page with its envelope fits a socket's message of 30,000 bytes. */
const PAGE_BYTES = 28_000;

export const listWorkspaces: Handler<"workspace.list"> = async ({ digest, cursor }, call) => {
  const rows = await listWorkspacesOf(call.userId);
  if (cursor === undefined && digest !== undefined && digest === digestOf(rows)) {
    return { workspaces: [], unchanged: true };
  }
  const place = site();
  return pageOf(cursor === undefined ? rows : rowsAfter(rows, cursor), (row) => presentWorkspace(row, place));
};

/** The cursor names the last row of the page before; what came since then is on no page, and comes by push. */
function rowsAfter(rows: WorkspaceRow[], cursor: string): WorkspaceRow[] {
  const match = /^(\d{1,16})\.([a-z0-9-]{1,40})$/.exec(cursor);
  if (!match) throw new AtelierError("INVALID_PARAMS", "This is no cursor of an answer.", { path: "cursor" });
  const last = sortKey({ createdAt: Number(match[1]), id: match[2] as string });
  return rows.filter((row) => sortKey(row) < last);
}

function sortKey({ createdAt, id }: Pick<WorkspaceRow, "createdAt" | "id">): string {
  return `${createdAt}#${id}`;
}

function pageOf(
  rows: WorkspaceRow[],
  present: (row: WorkspaceRow) => Workspace,
): { workspaces: Workspace[]; cursor?: string } {
  const workspaces: Workspace[] = [];
  let size = 0;
  for (const row of rows) {
    const workspace = present(row);
    size += bytes(workspace) + 1;
    const last = rows[workspaces.length - 1];
    if (size > PAGE_BYTES && last) return { workspaces, cursor: `${last.createdAt}.${last.id}` };
    workspaces.push(workspace);
  }
  return { workspaces };
}
