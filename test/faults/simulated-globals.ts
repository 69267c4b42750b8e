/** What bundles see in place of Node's own: the time, the randomness and the network of the history that invokes them. */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import nodeCrypto from "node:crypto";
import type { RandomSource, Timer } from "#local/service.ts";
import { type HttpAnswerer, httpModules } from "./http-modules.ts";
import type { Process, Stage } from "./in-process-runtime.ts";
import { SeededRandom } from "./seeded-random.ts";
import { simulatedSubtle } from "./signature-subtle.ts";

/** The invocation that is going on. */
export const running = new AsyncLocalStorage<Process>();

/** While it is loaded, a bundle belongs to no history. */
const loading = new SeededRandom("loading");

const subtle = simulatedSubtle((work) => running.getStore()?.stage.hold?.(work));

function random(): RandomSource {
  return running.getStore()?.random ?? loading;
}

function on(): Stage {
  const stage = running.getStore()?.stage;
  if (stage === undefined) throw new Error("A function does something outside of any invocation.");
  return stage;
}

/** A timer of the process that sets it: it dies with it. */
function setTimer(callback: (...values: unknown[]) => void, ms = 0, ...values: unknown[]): object {
  const process = running.getStore();
  const bound = AsyncResource.bind(() => callback(...values));
  const timer = on().clock.setTimeout(() => {
    if (!process?.isDead) bound();
  }, ms);
  const handle = { timer, ref: () => handle, unref: () => handle, hasRef: () => false };
  return handle;
}

function clearTimer(handle: { timer?: Timer } | undefined): void {
  handle?.timer?.cancel();
}

const delay = (ms?: number, value?: unknown): Promise<unknown> =>
  new Promise((resolve) => setTimer(() => resolve(value), ms));

function now(): number {
  return running.getStore()?.stage.clock.now() ?? 0;
}

const SimulatedDate = new Proxy(Date, {
  construct: (target, values) => Reflect.construct(target, values.length === 0 ? [now()] : values),
  apply: () => new Date(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

const SimulatedSignal = new Proxy(AbortSignal, {
  get(target, name) {
    if (name !== "timeout") return Reflect.get(target, name);
    return (ms: number) => {
      const controller = new AbortController();
      setTimer(() => controller.abort(new DOMException("The operation timed out.", "TimeoutError")), ms);
      return controller.signal;
    };
  },
});

const SimulatedMath = new Proxy(Math, {
  get: (target, name) =>
    name === "random" ? () => random().bytes(4).readUInt32LE() / 2 ** 32 : Reflect.get(target, name),
});

function randomUuid(): string {
  const hex = random().bytes(16).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join("-");
}

/** What a bundle sees in place of Node's globals: time and randomness are the history's. */
export function globalsOf(functionName: string, environment: Record<string, string>): Record<string, unknown> {
  const output = (text: string): boolean => {
    running.getStore()?.stage.output(functionName, text);
    return true;
  };
  const process: object = Object.create(globalThis.process, {
    env: { value: environment },
    stdout: { value: { write: output } },
    stderr: { value: { write: output } },
    emitWarning: { value: () => undefined },
  });
  const crypto = { subtle, randomUUID: randomUuid, getRandomValues };
  const globals: Record<string, unknown> = {
    process,
    crypto,
    Date: SimulatedDate,
    Math: SimulatedMath,
    AbortSignal: SimulatedSignal,
    setTimeout: setTimer,
    clearTimeout: clearTimer,
    setInterval: () => {
      throw new Error("Functions set no intervals.");
    },
    fetch: simulatedFetch,
    console: { log: output, warn: output, error: output, info: output, debug: output, trace: output },
  };
  globals.globalThis = Object.create(globalThis, Object.getOwnPropertyDescriptors({ ...globals }));
  return globals;
}

async function simulatedFetch(
  address: string | URL,
  { method = "GET", headers, body }: RequestInit = {},
): Promise<Response> {
  const process = running.getStore();
  if (process === undefined) throw new Error("A call outside of any invocation.");
  const { host, pathname, search } = new URL(address);
  const answer = await on().answer(process, {
    host,
    method,
    path: `${pathname}${search}`,
    headers: Object.fromEntries(new Headers(headers)),
    body: Buffer.from(String(body ?? "")),
  });
  return new Response(answer.body.length > 0 ? String(answer.body) : null, {
    status: answer.status,
    headers: answer.headers,
  });
}

function getRandomValues<T extends ArrayBufferView>(view: T): T {
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).set(random().bytes(view.byteLength));
  return view;
}

/** Node's modules that reach beyond the process. */
export function modulesOf(): Record<string, unknown> {
  const answer: HttpAnswerer = (request) => {
    const process = running.getStore();
    if (process === undefined) throw new Error("A call outside of any invocation.");
    return on().answer(process, request);
  };
  const http = httpModules(answer);
  const crypto = {
    ...nodeCrypto,
    webcrypto: { subtle, getRandomValues },
    randomBytes: (length: number) => random().bytes(length),
    randomUUID: randomUuid,
    getRandomValues,
    randomFillSync: getRandomValues,
  };
  const rm = async (path: string): Promise<void> => on().removeDirectory(path);
  return {
    http,
    https: http,
    crypto,
    timers: { setTimeout: setTimer, clearTimeout: clearTimer },
    "timers/promises": { setTimeout: delay },
    // No function needs a disk but the one that removes directories.
    "fs/promises": { rm, readFile: noFile, stat: noFile },
  };
}

async function noFile(path: string): Promise<never> {
  throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
}
