/** instance.log */
import type { Handler } from "#functions/rpc/call.ts";
import { push } from "#functions/socket/push.ts";
import { putLogChunk } from "#functions/workspaces/log-store.ts";
import { getWorkspace } from "#functions/workspaces/workspace-store.ts";

export const appendLog: Handler<"instance.log"> = async ({ sequence, text }, { workspaceId, instanceId }) => {
  const accepted = await putLogChunk(instanceId, { sequence, text });
  const row = accepted ? await getWorkspace(workspaceId) : undefined;
  if (row && !row.deleted) {
    await push({ ownerId: row.ownerId, workspaceId }, "log.appended", { workspaceId, instanceId, sequence, text });
  }
  return { accepted };
};
