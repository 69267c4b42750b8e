/** instance.report */
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { join } from "#functions/workspaces/facts.ts";
import { hasEnded } from "#functions/workspaces/phase.ts";
import { updateWorkspace } from "#functions/workspaces/update-workspace.ts";
import type { WorkspaceRow } from "#functions/workspaces/workspace-row.ts";
import { boundReport } from "./bound-report.ts";

/** `accepted`: it counts. An instance that has ended has nothing to say any more. */
export const reportFacts: Handler<"instance.report"> = async (report, call) => {
  const at = clock.now();
  const joinReport = ({ instance, ...rest }: WorkspaceRow) => {
    if (instance?.id !== call.instanceId || hasEnded(instance)) return undefined;
    const bounded = boundReport(report, instance.requestedAt, at);
    return { ...rest, instance: join(instance, { kind: "report", at, report: bounded }) };
  };
  const row = await updateWorkspace(call.workspaceId, joinReport, call.row);
  const instance = row?.instance?.id === call.instanceId ? row.instance : undefined;
  // It gave up: its task is to be stopped.
  if (instance && report.failure !== undefined && !hasEnded(instance)) await askDriver(call.workspaceId);
  return { accepted: instance !== undefined && !hasEnded(instance) };
};
