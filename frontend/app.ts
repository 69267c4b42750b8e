/** What every page is given. */

import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { AtelierError } from "#protocol/errors.ts";
import type { Workspace, WorkspaceClass } from "#protocol/workspace.ts";
import type { Router } from "./routing/router.ts";
import type { RpcEnvironment } from "./rpc/environment.ts";
import { RpcClient } from "./rpc/rpc-client.ts";
import { Session, type User } from "./session/session.ts";
import { followLogs } from "./workspaces/follow-log.ts";
import { keepInStep } from "./workspaces/keep-in-step.ts";
import { LogBook } from "./workspaces/log-store.ts";
import { WorkspaceStore } from "./workspaces/workspace-store.ts";

export interface App {
  readonly environment: RpcEnvironment;
  readonly client: RpcClient;
  readonly session: Session;
  readonly router: Router;
  readonly workspaces: WorkspaceStore;
  readonly logs: LogBook;
  /** Fetches the whole list. @throws AtelierError */
  refreshList(): Promise<void>;
  /** Fetches a workspace and what of its log is missing. @throws AtelierError */
  catchUp(id: string): Promise<void>;
  /** Spoken by screen readers. */
  readonly announcement: Signal<string>;
  /** Workspaces that a context URL led to although it could have made a new one: id → URL. */
  readonly arrivals: Map<string, string>;
  /** Leaves the dashboard. */
  leave(url: string, how: "push" | "replace"): void;
}

export function makeApp(environment: RpcEnvironment, router: Router, leave: App["leave"]): App {
  const client = new RpcClient(environment);
  const workspaces = new WorkspaceStore();
  const logs = new LogBook();
  return {
    environment,
    client,
    session: new Session(client, environment),
    router,
    workspaces,
    logs,
    refreshList: keepInStep(client, workspaces).refresh,
    catchUp: followLogs(client, workspaces, logs).catchUp,
    announcement: signal(""),
    arrivals: new Map(),
    leave,
  };
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("A page stands outside of the app.");
  return app;
}

/** The person; pages that need one are shown to signed-in people only. */
export function useUser(): User | undefined {
  const state = useApp().session.state.value;
  return state.kind === "signed-in" ? state.user : undefined;
}

export function useClass(workspace: Pick<Workspace, "class"> | undefined): WorkspaceClass | undefined {
  return useUser()?.classes.find(({ id }) => id === workspace?.class);
}

/** One door from whatever was thrown to what can be shown. */
export function asProblem(error: unknown): AtelierError {
  if (error instanceof AtelierError) return error;
  return new AtelierError("INTERNAL_ERROR", "Something unexpected happened in this page. Reload it, then try again.", {
    cause: error,
  });
}
