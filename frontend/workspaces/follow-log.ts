import type { RpcClient } from "../rpc/rpc-client.ts";
import type { LogBook } from "./log-store.ts";
import type { WorkspaceStore } from "./workspace-store.ts";

/** No run logs so much that this many answers do not hold it; a server that never ends is not followed for ever. */
const MAX_ANSWERS = 200;

/** Fills the book from pushes, and from `workspace.get` where pushes leave gaps. */
export function followLogs(
  client: RpcClient,
  store: WorkspaceStore,
  logs: LogBook,
): { catchUp(id: string): Promise<void> } {
  const catchingUp = new Map<string, Promise<void>>();

  /** Everything after what is complete. @throws AtelierError of `workspace.get` */
  function catchUp(id: string): Promise<void> {
    let running = catchingUp.get(id);
    if (!running) {
      running = readLog(client, store, logs, id).finally(() => catchingUp.delete(id));
      catchingUp.set(id, running);
    }
    return running;
  }

  client.on("log.appended", ({ workspaceId, instanceId, sequence, text }) => {
    const incomplete = logs.of(instanceId).add([{ sequence, text }]);
    if (incomplete) catchUp(workspaceId).catch(() => {});
  });
  return { catchUp };
}

async function readLog(client: RpcClient, store: WorkspaceStore, logs: LogBook, id: string): Promise<void> {
  let instanceId = store.get(id)?.instance?.id;
  for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
    const logAfter = instanceId ? logs.of(instanceId).completeTo : 0;
    const { workspace, log } = await client.call("workspace.get", { id, logAfter });
    store.put(workspace);
    const answeredFor = workspace.instance?.id;
    if (!answeredFor) return;
    if (answeredFor !== instanceId) {
      // Another run began meanwhile, and the place asked from was of the one before.
      instanceId = answeredFor;
      if (logAfter > 0) continue;
    }
    if (!log || log.length === 0) return;
    logs.of(instanceId).add(log, logAfter);
    if (logs.of(instanceId).completeTo <= logAfter) return;
  }
}
