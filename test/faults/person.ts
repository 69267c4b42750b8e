/** People with browser tabs. A tab is the dashboard's own client: its connection, its calls, its store, on simulated time. */
import { effect } from "@preact/signals";
import { SignJWT } from "jose";
import { deriveFrom, type RootSecret } from "#functions/runtime/derive-keys.ts";
import type { Clock } from "#local/service.ts";
import type { Workspace } from "#protocol/workspace.ts";
import type { RpcEnvironment } from "../../frontend/rpc/environment.ts";
import { RpcClient } from "../../frontend/rpc/rpc-client.ts";
import { Session } from "../../frontend/session/session.ts";
import { keepInStep } from "../../frontend/workspaces/keep-in-step.ts";
import { WorkspaceStore } from "../../frontend/workspaces/workspace-store.ts";
import type { Network, NetworkSocket } from "./network.ts";
import { DASHBOARD_ORIGIN } from "./origins.ts";
import type { SeededRandom } from "./seeded-random.ts";

const SESSION_MS = 12 * 3_600_000;

/** The cookie that signing in gives. @param expiresAt milliseconds since 1970; 12 hours from now when it was just given */
export async function signIn(
  userId: string,
  root: RootSecret,
  now: number,
  expiresAt = now + SESSION_MS,
): Promise<string> {
  const token = await new SignJWT({ name: userId, sid: `session-${userId}` })
    .setProtectedHeader({ alg: "HS256", kid: root.id })
    .setSubject(userId)
    .setIssuedAt(Math.floor((expiresAt - SESSION_MS) / 1_000))
    .setExpirationTime(Math.floor(expiresAt / 1_000))
    .sign(deriveFrom(root, "atelier/session"));
  return `atelier_session=${token}`;
}

export interface TabParts {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly cookie: string;
  /** Asks who is signed in before anything else, as the dashboard does, and again when it is told that nobody is. */
  readonly hasSession?: boolean;
  /** A socket's URL is used. */
  onTicket?(url: string): void;
  /** What the person sees of a workspace; `undefined` for one that is gone. */
  onSeen(tab: Tab, id: string, revision: number, workspace: Workspace | undefined): void;
}

export class Tab {
  readonly client: RpcClient;
  readonly store = new WorkspaceStore();
  /** `undefined`: it takes it for granted that somebody is signed in. */
  readonly session: Session | undefined;
  readonly #parts: TabParts;
  readonly #sockets = new Set<NetworkSocket>();
  readonly #shown = new Map<string, number>();
  readonly #stopWatching: () => void;
  #awakeAt = 0;
  isOpen = true;

  constructor(parts: TabParts) {
    this.#parts = parts;
    const environment = this.#environment();
    this.client = new RpcClient(environment);
    const { refresh } = keepInStep(this.client, this.store);
    const session = parts.hasSession ? new Session(this.client, environment) : undefined;
    this.session = session;
    const stopSeeing = this.store.list.subscribe((workspaces) => this.#see(workspaces));
    // As `frontend/main.tsx`.
    const stopFollowing = effect(() => {
      if (session && session.state.value.kind !== "signed-in") return this.client.connection.stop();
      this.client.connection.start();
      void refresh().catch(() => undefined);
    });
    this.#stopWatching = () => {
      stopSeeing();
      stopFollowing();
    };
    void session?.load();
  }

  close(): void {
    this.isOpen = false;
    this.#stopWatching();
    this.client.connection.stop();
    for (const socket of this.#sockets) socket.close();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.vanish();
    // The browser finds out after a while.
    const sockets = [...this.#sockets];
    this.#parts.clock.setTimeout(() => {
      for (const socket of sockets) socket.close();
    }, 15_000);
  }

  /** The lid is closed: nothing runs, the sockets are lost, and after waking the tab looks around. */
  sleep(ms: number): void {
    this.#awakeAt = this.#parts.clock.now() + ms;
    const sockets = [...this.#sockets];
    for (const socket of sockets) socket.vanish();
    this.#parts.clock.setTimeout(() => {
      for (const socket of sockets) socket.close();
      if (this.isOpen) this.client.connection.nudge();
    }, ms);
  }

  #see(workspaces: readonly Workspace[]): void {
    const seen = new Set<string>();
    for (const workspace of workspaces) {
      seen.add(workspace.id);
      if (this.#shown.get(workspace.id) === workspace.revision) continue;
      this.#shown.set(workspace.id, workspace.revision);
      this.#parts.onSeen(this, workspace.id, workspace.revision, workspace);
    }
    for (const [id, revision] of this.#shown) {
      if (seen.has(id) || revision === Number.POSITIVE_INFINITY) continue;
      this.#shown.set(id, Number.POSITIVE_INFINITY);
      this.#parts.onSeen(this, id, revision, undefined);
    }
  }

  #environment(): RpcEnvironment {
    const { clock, cookie, random } = this.#parts;
    return {
      origin: DASHBOARD_ORIGIN,
      now: () => clock.now(),
      random: () => random.fraction(),
      after: (ms, callback) => {
        let isCancelled = false;
        const strike = (): void => {
          if (isCancelled) return;
          const rest = this.#awakeAt - clock.now();
          if (rest > 0) clock.setTimeout(strike, rest);
          else callback();
        };
        clock.setTimeout(strike, ms);
        return () => {
          isCancelled = true;
        };
      },
      fetch: ((
        url: string,
        { method = "GET", body, signal }: { method?: string; body?: string; signal?: AbortSignal },
      ) => {
        const { pathname } = new URL(url);
        const headers = {
          cookie,
          ...(method === "GET" ? {} : { origin: DASHBOARD_ORIGIN, "content-type": "application/json" }),
        };
        return abortable(signal, this.#fetch(method, pathname, headers, body));
      }) as unknown as typeof fetch,
      openSocket: (url) => this.#openSocket(url),
    };
  }

  async #fetch(method: string, path: string, headers: Record<string, string>, body?: string): Promise<unknown> {
    const answer = await this.#parts.network.request(method, path, headers, body);
    const text = async (): Promise<string> => answer.body;
    return {
      status: answer.status,
      headers: new Headers(),
      text,
      json: async () => JSON.parse(answer.body) as unknown,
    };
  }

  #openSocket(url: string): WebSocket {
    const target = new EventTarget();
    const tell = (type: string, data?: string): void => {
      if (type === "close") this.#sockets.delete(line);
      target.dispatchEvent(Object.assign(new Event(type), { data }));
    };
    this.#parts.onTicket?.(url);
    const line = this.#parts.network.connect(
      new URL(url).pathname + new URL(url).search,
      { origin: DASHBOARD_ORIGIN, cookie: this.#parts.cookie },
      { open: () => tell("open"), close: () => tell("close"), message: (text) => tell("message", text) },
    );
    this.#sockets.add(line);
    const send = (text: string): void => line.send(text);
    return Object.assign(target, { send, close: () => line.close() }) as unknown as WebSocket;
  }
}

function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
