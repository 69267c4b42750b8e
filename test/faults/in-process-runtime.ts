/** Functions in this process: the deployed bundles, on the time and the randomness of a history. */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import nodeCrypto from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FunctionDefinition } from "#local/lambda/function-definition.ts";
import type { FunctionEnvironment, FunctionRuntime, Invocation } from "#local/lambda/function-runtime.ts";
import type { Clock, InvokeResult, RandomSource, Timer } from "#local/service.ts";
import { type HttpAnswerer, httpModules } from "./http-modules.ts";
import { loadBundle } from "./load-bundle.ts";
import { SeededRandom } from "./seeded-random.ts";
import { signatureSubtle } from "./signature-subtle.ts";

/** One invocation, as whoever answers its calls knows it. */
export interface Process {
  readonly requestId: string;
  readonly functionName: string;
  readonly definition: FunctionDefinition;
  readonly random: RandomSource;
  readonly stage: Stage;
  /** Nothing of it happens any more. */
  isDead: boolean;
  /** Ends it now; `answer` is what Lambda says of it, nothing when it hangs until its time is over. */
  kill(answer?: InvokeResult): void;
}

/** What the history gives to functions. */
export interface Stage {
  /** `false`: the cloud is gone, and whatever it still invokes does not happen. */
  isLive(): boolean;
  readonly clock: Clock;
  readonly bundles: LoadedBundles;
  /** For each process its own, so that what one draws changes nothing for another. */
  randomFor(functionName: string): RandomSource;
  /** Answers a call over HTTP; it never fulfils for a process that is gone. */
  answer(process: Process, ...call: Parameters<HttpAnswerer>): ReturnType<HttpAnswerer>;
  /** A directory of a mounted file system is removed. */
  removeDirectory(path: string): void;
  output(functionName: string, line: string): void;
}

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** A bundle that was loaded. One request at a time, as an environment of Lambda. */
interface Loaded {
  readonly handler: Handler;
  /** Histories in which it served. */
  readonly seeds: Set<number | string>;
}

const running = new AsyncLocalStorage<Process>();
/** By function and environment. */
const idle = new Map<string, Loaded[]>();

/**
 * What a history has loaded. Loading takes longer than most invocations, so it serves the next one as well; but neither a second
 * environment of the same history nor the same seed again: to these it would bring what it remembers, ids for instance.
 */
export class LoadedBundles {
  readonly #seed: number | string;
  #mine: { readonly pool: Loaded[]; readonly loaded: Loaded }[] = [];
  readonly #broken = new Set<Loaded>();

  constructor(seed: number | string) {
    this.#seed = seed;
  }

  take(definition: FunctionDefinition): Loaded {
    const key = `${definition.codeDirectory}:${JSON.stringify(constantEnvironment(definition))}`;
    const pool = idle.get(key) ?? [];
    idle.set(key, pool);
    // The one that was used last is hot.
    const at = pool.findLastIndex(({ seeds }) => !seeds.has(this.#seed));
    const [warm] = at < 0 ? [] : pool.splice(at, 1);
    const loaded: Loaded = warm ?? { handler: running.exit(() => load(definition)), seeds: new Set() };
    loaded.seeds.add(this.#seed);
    this.#mine.push({ pool, loaded });
    return loaded;
  }

  /** Ended in the middle of something, it may remember a promise that nobody keeps. */
  drop(loaded: Loaded): void {
    this.#broken.add(loaded);
  }

  /** The history is over. */
  giveBack(): void {
    // In the order in which the next one will take them.
    for (const { pool, loaded } of this.#mine.reverse()) if (!this.#broken.has(loaded)) pool.push(loaded);
    this.#mine = [];
  }
}

/** A runtime whose cloud may be gone from one moment to the next. */
export interface InProcessRuntime extends FunctionRuntime {
  /** Ends all environments at once. */
  kill(): void;
}

export function createInProcessRuntime(on: Stage): InProcessRuntime {
  const open = new Set<FunctionEnvironment>();
  return {
    kill() {
      for (const environment of open) void environment.close();
    },
    async start(definition): Promise<FunctionEnvironment> {
      let loaded: Loaded | undefined;
      let end: () => void = () => undefined;
      let alive = true;
      let isBusy = false;
      const close = async (): Promise<void> => {
        if (!alive) return;
        alive = false;
        open.delete(environment);
        end();
        if (loaded && isBusy) on.bundles.drop(loaded);
      };
      const environment: FunctionEnvironment = {
        get alive() {
          return alive;
        },
        close,
        invoke(invocation) {
          if (!on.isLive()) return new Promise(() => undefined);
          const { promise, resolve } = Promise.withResolvers<InvokeResult>();
          const mine: Process = {
            requestId: invocation.requestId,
            functionName: shortName(definition.name),
            definition,
            random: on.randomFor(shortName(definition.name)),
            stage: on,
            isDead: false,
            kill(answer) {
              if (mine.isDead) return;
              mine.isDead = true;
              if (answer === undefined) return;
              resolve(answer);
              void close();
            },
          };
          // With its environment the process is gone, also one that hung before.
          end = () => {
            mine.isDead = true;
            resolve(exited);
          };
          // Not before it is needed: a history has no use for some functions.
          loaded ??= on.bundles.take(definition);
          const { handler } = loaded;
          isBusy = true;
          void running
            .run(mine, () => run(handler, definition, invocation, on.clock))
            .then((result) => {
              if (mine.isDead) return;
              isBusy = false;
              resolve(result);
            });
          return promise;
        },
      };
      open.add(environment);
      return environment;
    },
  };
}

export const exited: InvokeResult = {
  ok: false,
  error: { errorType: "Runtime.ExitError", errorMessage: "Error: Runtime exited with error: signal: killed" },
};

async function run(
  handler: Handler,
  definition: FunctionDefinition,
  { requestId, payload, deadline }: Invocation,
  clock: Clock,
): Promise<InvokeResult> {
  const context = {
    functionName: definition.name,
    awsRequestId: requestId,
    invokedFunctionArn: definition.arn,
    getRemainingTimeInMillis: () => Math.max(0, deadline - clock.now()),
  };
  try {
    const result = await handler(JSON.parse(payload), context);
    return { ok: true, payload: JSON.parse(JSON.stringify(result) ?? "null") };
  } catch (error) {
    const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    return { ok: false, error: { errorType: name, errorMessage: message, trace: stack.split("\n") } };
  }
}

/** `atelier-ControlPlaneOnRequestFunction381571B7` → `OnRequest` */
export function shortName(name: string): string {
  return name.replace(/^atelier-(ControlPlane|Deployment)?/, "").replace(/Function[0-9A-F]{8}$/, "");
}

/** Keys differ from start to start; requests are signed with this one, and whoever answers them knows whose it is. */
function constantEnvironment({ name, environment }: FunctionDefinition): Record<string, string> {
  return {
    ...environment,
    AWS_ACCESS_KEY_ID: `AKIA${shortName(name)}`,
    AWS_SECRET_ACCESS_KEY: "simulated",
    LOG_LEVEL: "warn",
  };
}

function load(definition: FunctionDefinition): Handler {
  const dot = definition.handler.lastIndexOf(".");
  const name = definition.handler.slice(0, dot);
  const file = ["mjs", "js"]
    .map((extension) => `${name}.${extension}`)
    .find((one) => existsSync(join(definition.codeDirectory, one)));
  if (file === undefined) throw new Error(`${definition.codeDirectory} has no ${name}`);
  const scope = { globals: globalsOf(definition), modules: modules() };
  return loadBundle(definition.codeDirectory, file, scope)[definition.handler.slice(dot + 1)] as Handler;
}

/** While it is loaded, a bundle belongs to no history. */
const loading = new SeededRandom("loading");

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

function globalsOf(definition: FunctionDefinition): Record<string, unknown> {
  const output = (text: string): boolean => {
    running.getStore()?.stage.output(shortName(definition.name), text);
    return true;
  };
  const process: object = Object.create(globalThis.process, {
    env: { value: constantEnvironment(definition) },
    stdout: { value: { write: output } },
    stderr: { value: { write: output } },
    emitWarning: { value: () => undefined },
  });
  const crypto = { subtle: signatureSubtle, randomUUID: randomUuid, getRandomValues };
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
    console: { log: output, warn: output, error: output, info: output, debug: output, trace: output },
  };
  globals.globalThis = Object.create(globalThis, Object.getOwnPropertyDescriptors({ ...globals }));
  return globals;
}

function getRandomValues<T extends ArrayBufferView>(view: T): T {
  Buffer.from(view.buffer, view.byteOffset, view.byteLength).set(random().bytes(view.byteLength));
  return view;
}

function modules(): Record<string, unknown> {
  const answer: HttpAnswerer = (request) => {
    const process = running.getStore();
    if (process === undefined) throw new Error("A call outside of any invocation.");
    return on().answer(process, request);
  };
  const http = httpModules(answer);
  const crypto = {
    ...nodeCrypto,
    webcrypto: { subtle: signatureSubtle, getRandomValues },
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
