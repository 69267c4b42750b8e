/** instance.trace */
import type { Handler } from "#functions/rpc/call.ts";
import { AtelierError } from "#protocol/errors.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import type { Instance } from "./facts.ts";
import { getOwnWorkspace } from "./own-workspace.ts";
import { getPastInstance } from "./past-instance-store.ts";
import { presentTrace } from "./present-trace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

export const traceInstance: Handler<"instance.trace"> = async ({ instanceId }, call) => {
  const named = parseInstanceId(instanceId);
  const row = named && (await getOwnWorkspace(named.workspaceId, call.userId));
  const instance = row && (await findInstance(row, instanceId, named.run));
  if (!instance) throw new AtelierError("NOT_FOUND", "Nothing is known of this run. Runs are kept for 30 days.");
  return { trace: presentTrace(row.id, instance) };
};

async function findInstance(row: WorkspaceRow, instanceId: string, run: number): Promise<Instance | undefined> {
  return row.instance?.id === instanceId ? row.instance : getPastInstance(row.id, run);
}
