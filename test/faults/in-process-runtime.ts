/** Functions in this process: the deployed bundles, on the time and the randomness of a history. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FunctionDefinition } from "#local/lambda/function-definition.ts";
import type { FunctionEnvironment, FunctionRuntime, Invocation } from "#local/lambda/function-runtime.ts";
import type { Clock, InvokeResult, RandomSource } from "#local/service.ts";
import type { HttpAnswerer } from "./http-modules.ts";
import { loadBundle } from "./load-bundle.ts";
import { globalsOf, modulesOf, running } from "./simulated-globals.ts";

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
  /** Time stands still until this is done. */
  hold?(work: Promise<unknown>): void;
  /** An invocation has ended, however. */
  onEnded?(functionName: string, payload: string, result: InvokeResult): void;
}

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** A bundle that was loaded. One request at a time, as an environment of Lambda. */
interface Loaded {
  readonly handler: Handler;
  /** Histories in which it served. */
  readonly seeds: Set<number | string>;
}

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
          void promise.then((result) => on.onEnded?.(shortName(definition.name), invocation.payload, result));
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

/**
 * The same in all histories. Keys differ from start to start; requests are signed with this one, and whoever answers them knows whose
 * it is. Of a mounted folder the last name alone is looked at.
 */
function constantEnvironment({ name, environment }: FunctionDefinition): Record<string, string> {
  const constant = Object.entries(environment).map(([key, value]) => [key, value.replace(/^memory:\d+/, "memory:")]);
  return {
    ...(Object.fromEntries(constant) as Record<string, string>),
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
  const scope = {
    globals: globalsOf(shortName(definition.name), constantEnvironment(definition)),
    modules: modulesOf(),
  };
  return loadBundle(definition.codeDirectory, file, scope)[definition.handler.slice(dot + 1)] as Handler;
}
