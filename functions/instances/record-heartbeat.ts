/** instance.heartbeat: at most one write a minute, no revision, no push. */
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { putHeartbeat } from "#functions/workspaces/heartbeat-store.ts";

export const recordHeartbeat: Handler<"instance.heartbeat"> = async ({ activeAt }, { workspaceId, instanceId }) => {
  const at = clock.now();
  // A clock that runs ahead would keep a forgotten workspace alive.
  return { accepted: await putHeartbeat(workspaceId, { instanceId, at, activeAt: Math.min(activeAt, at) }) };
};
