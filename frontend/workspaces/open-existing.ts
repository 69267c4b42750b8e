import type { Workspace } from "#protocol/workspace.ts";
import type { App } from "../app.ts";
import { workspaceHash } from "../routing/route.ts";
import { mainActionOf } from "./state-words.ts";

/** Goes to a workspace that there is already, and starts it when it is stopped. Its page offers to make a new one instead. */
export async function openExisting(app: App, id: string, contextUrl: string, signal: AbortSignal): Promise<void> {
  let { workspace } = await app.client.call("workspace.get", { id }, signal);
  app.workspaces.put(workspace);
  if (mainActionOf(workspace) === "start") {
    ({ workspace } = await app.client.call("workspace.start", { id }, signal));
    app.workspaces.put(workspace);
  }
  if (signal.aborted) return;
  app.arrivals.set(id, contextUrl);
  app.router.goTo(workspaceHash(id), "replace");
}

/** Whether a start page goes on to the IDE by itself: not after it saw the end of a run, unless it was asked for another one. */
export interface Watch {
  readonly goesOn: boolean;
}

export function watch(before: Watch | undefined, { instance }: Pick<Workspace, "instance">): Watch {
  const ended = instance === undefined || instance.phase === "stopping" || instance.phase === "stopped";
  if (ended) return { goesOn: false };
  return before ?? { goesOn: true };
}
