/** instance.log */
import type { Handler } from "#functions/rpc/call.ts";
import { push } from "#functions/socket/push.ts";
import { putLogChunk } from "#functions/workspaces/log-store.ts";

export const appendLog: Handler<"instance.log"> = async ({ sequence, text }, { workspaceId, instanceId, row }) => {
  const accepted = await putLogChunk(instanceId, { sequence, text });
  if (accepted && !row.deleted) {
    await push({ ownerId: row.ownerId }, "log.appended", { workspaceId, instanceId, sequence, text });
  }
  return { accepted };
};
