import { AtelierError } from "#protocol/errors.ts";
import { MAX_SOCKET_MESSAGE_BYTES } from "#protocol/json-rpc.ts";
import type { METHODS, MethodName, ParamsOf, ResultOf } from "#protocol/methods/index.ts";
import type { NotificationName, NotificationOf } from "#protocol/notifications.ts";
import { Connection } from "./connection.ts";
import { backoffMs, ConnectionLost, type RpcEnvironment, ServerBusy } from "./environment.ts";
import { ANSWER_WITHIN_MS, postCall } from "./post-call.ts";
import type { SocketChannel } from "./socket-channel.ts";

/** The methods that a person may call. */
export type UserMethod = {
  [M in MethodName]: (typeof METHODS)[M]["caller"] extends "user" ? M : never;
}[MethodName];

const REPEATS = 3;

type Listeners = { [N in NotificationName]: Set<(params: NotificationOf<N>) => void> };

/** JSON-RPC over the socket while it is open, by `POST /rpc` otherwise. */
export class RpcClient {
  readonly connection: Connection;
  /** Said by the server: nobody is signed in (any more). */
  onSignedOut: () => void = () => {};
  /** What the socket says when it opens and to stay open. */
  keepAlive: () => Promise<unknown> = () => this.call("workspace.list", {});
  readonly #environment: RpcEnvironment;
  readonly #listeners: Listeners = {
    "workspace.changed": new Set(),
    "workspace.deleted": new Set(),
    "log.appended": new Set(),
  };
  #nextId = 1;
  #clockAheadMs = 0;

  constructor(environment: RpcEnvironment) {
    this.#environment = environment;
    this.connection = new Connection(environment, {
      ticket: () => this.#fetchTicket(),
      keepAlive: () => this.keepAlive(),
      notification: (method, params) => this.#notify(method, params),
    });
  }

  /**
   * Calls a method. What was in flight when the connection broke is repeated when that can do no harm.
   * @throws AtelierError what the server says, or `UNAVAILABLE` when it cannot be reached; the signal's reason when cancelled
   */
  async call<M extends UserMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<ResultOf<M>> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#once(method, params, signal);
      } catch (error) {
        if (isSignedOut(error)) this.onSignedOut();
        if (!(error instanceof ConnectionLost)) throw error;
        if (attempt >= REPEATS || !mayRepeat(method, params)) throw unreachable(error);
        // The first repeat goes by POST at once: a socket that died says nothing of the network. A busy server is left alone for longer.
        const pauses = error instanceof ServerBusy ? attempt + 1 : attempt;
        if (pauses > 0)
          await this.#pause(
            backoffMs(pauses, () => this.#environment.random(), 4_000),
            signal,
          );
      }
    }
  }

  /** @returns what ends the listening */
  on<N extends NotificationName>(name: N, listener: (params: NotificationOf<N>) => void): () => void {
    this.#listeners[name].add(listener);
    return () => this.#listeners[name].delete(listener);
  }

  /** What the server's clock says, as far as it is known: times of the server are compared with this one. */
  serverNow(): number {
    return this.#environment.now() + this.#clockAheadMs;
  }

  /** By POST: when a ticket is wanted, the socket is what there is no trust in. */
  async #fetchTicket(): Promise<string> {
    try {
      return (await this.#post("socket.ticket", {})).ticket;
    } catch (error) {
      if (isSignedOut(error)) this.onSignedOut();
      throw error;
    }
  }

  async #once<M extends UserMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<ResultOf<M>> {
    const channel = this.connection.channel;
    const { id, message } = this.#envelope(method, params);
    if (channel && new TextEncoder().encode(message).length <= MAX_SOCKET_MESSAGE_BYTES) {
      try {
        return (await this.#overSocket(channel, id, message, signal)) as ResultOf<M>;
      } catch (error) {
        if (!(error instanceof AtelierError && error.kind === "MESSAGE_TOO_LARGE")) throw error;
      }
    }
    return this.#post(method, params, signal);
  }

  /**
   * API Gateway gives up after 29 s, and what it says then (as after a crash) does not name the call: without a deadline here, the
   * call would wait for as long as the socket lives.
   */
  async #overSocket(
    channel: SocketChannel,
    id: string,
    message: string,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const deadline = new AbortController();
    const cancelDeadline = this.#environment.after(ANSWER_WITHIN_MS, () =>
      deadline.abort(new ConnectionLost("No answer came over the socket.")),
    );
    try {
      return await channel.call(id, message, signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
    } finally {
      cancelDeadline();
    }
  }

  async #post<M extends UserMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<ResultOf<M>> {
    const sentAt = this.#environment.now();
    const { message } = this.#envelope(method, params);
    const result = await postCall(this.#environment, message, signal, (date) => this.#compareClocks(sentAt, date));
    return result as ResultOf<M>;
  }

  #envelope(method: UserMethod, params: object): { id: string; message: string } {
    const id = String(this.#nextId++);
    return { id, message: JSON.stringify({ jsonrpc: "2.0", id, method, params }) };
  }

  /** A `Date` header has whole seconds, so that only a clock that is clearly wrong is corrected. */
  #compareClocks(sentAt: number, date: number): void {
    const ahead = date + 500 - (sentAt + this.#environment.now()) / 2;
    this.#clockAheadMs = Math.abs(ahead) > 2_000 ? ahead : 0;
  }

  #notify(method: string, params: Record<string, unknown>): void {
    const listeners = (this.#listeners as Record<string, Set<(params: never) => void>>)[method];
    for (const listener of listeners ?? []) listener(params as never);
  }

  #pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#environment.after(milliseconds, resolve);
      signal?.addEventListener("abort", () => {
        cancel();
        reject(signal.reason);
      });
    });
  }
}

function isSignedOut(error: unknown): boolean {
  return error instanceof AtelierError && error.kind === "UNAUTHENTICATED";
}

/** Everything but a `workspace.create` without a request id gives the same when it is asked twice. */
function mayRepeat(method: UserMethod, params: object): boolean {
  return method !== "workspace.create" || "requestId" in params;
}

function unreachable(cause: ConnectionLost): AtelierError {
  const text =
    cause instanceof ServerBusy
      ? "The server did not answer as expected. Try again in a moment."
      : "The server cannot be reached. Check your network, then try again.";
  return new AtelierError("UNAVAILABLE", text, { cause });
}
