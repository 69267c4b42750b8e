/** The driver's last step for a deleted workspace: what it had goes, the row at the very end. */
import { putEvent } from "#functions/runtime/bus.ts";
import { connectionsOf, removeConnection, removeSubscription } from "#functions/socket/connection-store.ts";
import { instanceId } from "#protocol/ids.ts";
import { removeHeartbeat } from "./heartbeat-store.ts";
import { removeLog } from "./log-store.ts";
import { removePastInstances } from "./past-instance-store.ts";
import { endRequest } from "./request-store.ts";
import { makeAccessPoint, removeAccessPoint, removeTaskDefinition, removeTaskDefinitionsOf } from "./volume-store.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { removeWorkspace } from "./workspace-store.ts";

/** Logs of so many runs are removed at once; older ones go by their time to live. */
const RUNS_WITH_LOGS = 20;

export async function retireVolume(row: WorkspaceRow): Promise<"done"> {
  const { volume } = row;
  if (volume.taskDefinitionArn) await removeTaskDefinition(volume.taskDefinitionArn);
  if (volume.askedAt !== undefined) {
    await removeTaskDefinitionsOf(row.id);
    // Asked for and not written down: asking again with the same token tells which it is, and makes none twice.
    await removeAccessPoint(volume.accessPointId ?? (await makeAccessPoint(row.id, volume.directory)));
    await putEvent("Volume Released", { workspaceId: row.id, directory: volume.directory });
  }
  await removeHeartbeat(row.id);
  for (let run = row.run; run > Math.max(0, row.run - RUNS_WITH_LOGS); run -= 1) {
    await removeLog(instanceId(row.id, run));
  }
  await removePastInstances(row.id);
  await removeConnections(row.id);
  if (row.requestId) await endRequest(row.ownerId, row.requestId, row.id);
  await removeWorkspace(row);
  return "done";
}

async function removeConnections(workspaceId: string): Promise<void> {
  const audience = `WORKSPACE#${workspaceId}`;
  for (const id of await connectionsOf(audience)) {
    await removeConnection(id);
    await removeSubscription(audience, id);
  }
}
