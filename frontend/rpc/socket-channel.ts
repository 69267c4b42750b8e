import type { Request, Response } from "#protocol/json-rpc.ts";
import { ConnectionLost, ServerBusy } from "./environment.ts";
import { resultOf } from "./post-call.ts";

interface Pending {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export interface ChannelEvents {
  notification(method: string, params: Record<string, unknown>): void;
  /** Once, however it ended. */
  closed(): void;
}

/** One open WebSocket and the calls that are in flight on it. */
export class SocketChannel {
  readonly #socket: WebSocket;
  readonly #events: ChannelEvents;
  readonly #pending = new Map<string, Pending>();
  #retired = false;
  #closed = false;

  constructor(socket: WebSocket, events: ChannelEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", () => this.#end());
    socket.addEventListener("error", () => this.close());
  }

  /** Sends a call and waits for its answer. @throws ConnectionLost when the socket ends first */
  call(id: string, message: string, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed) return reject(new ConnectionLost("The connection is closed."));
      const onAbort = () => {
        this.#pending.delete(id);
        reject(signal?.reason);
        if (this.#retired && this.#pending.size === 0) this.close();
      };
      const done = () => signal?.removeEventListener("abort", onAbort);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      try {
        this.#socket.send(message);
      } catch {
        this.close();
      }
    });
  }

  /** No further calls are given to it: it closes once those in flight are answered. */
  retire(): void {
    this.#retired = true;
    if (this.#pending.size === 0) this.close();
  }

  close(): void {
    this.#socket.close();
    // A half-open socket can take minutes to say that it closed.
    this.#end();
  }

  #receive(data: unknown): void {
    const message = parse(data);
    if (!message) return;
    if ("method" in message) {
      if (!this.#closed) this.#events.notification(message.method, message.params ?? {});
      return;
    }
    if (isGatewayError(message)) {
      this.#failAll();
      return;
    }
    const id = String(message.id);
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    try {
      pending.resolve(resultOf(message));
    } catch (error) {
      pending.reject(error);
    }
    if (this.#retired && this.#pending.size === 0) this.close();
  }

  /** It names no call, so that any may be meant: those that may be repeated are. */
  #failAll(): void {
    for (const pending of this.#pending.values()) pending.reject(new ServerBusy("The server could not take a call."));
    this.#pending.clear();
    if (this.#retired) this.close();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.#pending.values()) pending.reject(new ConnectionLost("The connection broke."));
    this.#pending.clear();
    this.#events.closed();
  }
}

/** What API Gateway says when it could not run a function (`{message, connectionId, requestId}`), as when too many run. */
function isGatewayError(message: object): boolean {
  return "connectionId" in message && !("jsonrpc" in message);
}

function parse(data: unknown): Request | Response | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const message: unknown = JSON.parse(data);
    return typeof message === "object" && message !== null ? (message as Request | Response) : undefined;
  } catch {
    return undefined;
  }
}
