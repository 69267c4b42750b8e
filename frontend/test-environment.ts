/** The client's world for tests: Node's own HTTP and WebSocket, also where a test has a pretended browser. */
import { request } from "node:http";
import WebSocket from "ws";
import type { RpcEnvironment } from "./rpc/environment.ts";

export function testEnvironment(origin: string, more: Partial<RpcEnvironment> = {}): RpcEnvironment {
  return {
    origin,
    fetch: nodeFetch as typeof globalThis.fetch,
    openSocket: (url) => new WebSocket(url) as unknown as globalThis.WebSocket,
    now: () => Date.now(),
    after: (milliseconds, callback) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
    random: () => 0,
    ...more,
  };
}

function nodeFetch(url: string, init: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers, body, signal } = init;
    const sent = request(url, { method, headers: (headers ?? {}) as Record<string, string> }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const response = {
          status: answer.statusCode ?? 0,
          headers: { get: (name: string) => answer.headers[name] ?? null },
          text: async () => text,
          json: async () => JSON.parse(text) as unknown,
        };
        resolve(response as unknown as Response);
      });
    });
    sent.on("error", reject);
    signal?.addEventListener("abort", () => sent.destroy(new Error("aborted")));
    sent.end(body);
  });
}

/** Timers that run when the test says so. */
export class HeldTimers {
  readonly waiting: { milliseconds: number; callback: () => void }[] = [];

  readonly after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = { milliseconds, callback };
    this.waiting.push(timer);
    return () => {
      const index = this.waiting.indexOf(timer);
      if (index >= 0) this.waiting.splice(index, 1);
    };
  };

  /** Runs the timers that wait between these times. @returns how many there were */
  run(fromMs: number, toMs: number): number {
    const due = this.waiting.filter(({ milliseconds }) => milliseconds >= fromMs && milliseconds <= toMs);
    for (const timer of due) {
      this.waiting.splice(this.waiting.indexOf(timer), 1);
      timer.callback();
    }
    return due.length;
  }
}

/** Waits until something is so, and says what was waited for when it does not come. */
export async function eventually(what: string, check: () => unknown, withinMs = 5_000): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    if (check()) return;
    if (Date.now() > until) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
