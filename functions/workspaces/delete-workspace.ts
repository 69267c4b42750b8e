/** workspace.delete */
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { push } from "#functions/socket/push.ts";
import { askStop } from "./ask-stop.ts";
import { notFound } from "./own-workspace.ts";
import { updateWorkspace } from "./update-workspace.ts";

export const deleteWorkspace: Handler<"workspace.delete"> = async ({ id }, call) => {
  const row = await updateWorkspace(id, (current) => {
    if (current.ownerId !== call.userId) throw notFound();
    // Asked again, while it goes.
    if (current.deleted) return undefined;
    const at = clock.now();
    const stopped = askStop(current, { at, by: "deletion", reason: "Deleted by its owner" });
    return { ...stopped, deleted: { at, by: call.userId } };
  });
  if (!row) throw notFound();
  const gone = { id, revision: row.revision };
  await Promise.all([push({ ownerId: row.ownerId, workspaceId: id }, "workspace.deleted", gone), askDriver(id)]);
  return gone;
};
