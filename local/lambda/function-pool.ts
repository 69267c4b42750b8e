import { uuid } from "../identifier.ts";
import type { Clock, InvokeResult, Logger, RandomSource, Timer } from "../service.ts";
import { createOutputForwarder } from "./forward-output.ts";
import { type FunctionDefinition, maxSyncPayloadBytes } from "./function-definition.ts";
import { type FunctionEnvironment, FunctionFailure, type FunctionRuntime } from "./function-runtime.ts";

/** AWS keeps idle environments for some minutes; the last one stays here, so that a person's next click is quick. */
const idleMs = 5 * 60_000;

/** A laptop's memory ends before AWS's 1,000: above this number, requests wait for an environment, unless the runtime takes more. */
const defaultMaxEnvironments = 10;

export interface PoolDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  readonly runtime: FunctionRuntime;
}

interface Waiting {
  readonly payload: string;
  readonly requestId: string;
  readonly resolve: (result: InvokeResult) => void;
}

/** One function's environments: each takes one request at a time, and more are started while requests wait. */
export class FunctionPool {
  readonly definition: FunctionDefinition;
  readonly #dependencies: PoolDependencies;
  readonly #log: Logger;
  readonly #forward: (line: string) => void;
  readonly #idle: { environment: FunctionEnvironment; timer: Timer }[] = [];
  readonly #all = new Set<FunctionEnvironment>();
  readonly #waiting: Waiting[] = [];
  #starting = 0;
  #busy = 0;
  #patience: Timer | undefined;
  #closed = false;

  constructor(definition: FunctionDefinition, dependencies: PoolDependencies) {
    this.definition = definition;
    this.#dependencies = dependencies;
    this.#log = dependencies.log;
    this.#forward = createOutputForwarder(dependencies.log, definition.name);
  }

  invoke(payload: unknown, requestId = uuid(this.#dependencies.random)): Promise<InvokeResult> {
    const text = JSON.stringify(payload) ?? "null";
    const { reservedConcurrency = Number.POSITIVE_INFINITY } = this.definition;
    if (this.#closed) return Promise.resolve(failure("ServiceException", "The embedded cloud is stopping"));
    if (Buffer.byteLength(text) > maxSyncPayloadBytes) {
      const message = `Request must be smaller than ${maxSyncPayloadBytes} bytes for the InvokeFunction operation`;
      return Promise.resolve(failure("RequestTooLargeException", message));
    }
    if (this.#busy + this.#waiting.length >= reservedConcurrency) {
      return Promise.resolve(failure("TooManyRequestsException", "Rate Exceeded."));
    }
    return new Promise((resolve) => {
      this.#waiting.push({ payload: text, requestId, resolve });
      this.#serve();
    });
  }

  /** Starts one environment ahead of the first request. A module that cannot be loaded is an error in the log. */
  async warm(): Promise<void> {
    if (!this.#closed && this.#all.size + this.#starting === 0) await this.#start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#patience?.cancel();
    for (const { timer } of this.#idle.splice(0)) timer.cancel();
    for (const waiting of this.#waiting.splice(0)) {
      waiting.resolve(failure("ServiceException", "The embedded cloud is stopping"));
    }
    await Promise.all([...this.#all].map((environment) => environment.close()));
  }

  #serve(): void {
    const { maxEnvironments = defaultMaxEnvironments, patienceMs = 0 } = this.#dependencies.runtime;
    while (this.#waiting.length > 0) {
      // The one that was used last: its code is hot, and the others may grow old.
      const free = this.#idle.pop();
      if (free === undefined) break;
      free.timer.cancel();
      const next = free.environment.alive ? this.#waiting.shift() : undefined;
      if (next === undefined) this.#all.delete(free.environment);
      else void this.#run(free.environment, next);
    }
    if (this.#waiting.length === 0) return;
    if (patienceMs > 0 && this.#all.size + this.#starting > 0) {
      this.#patience ??= this.#dependencies.clock.setTimeout(() => this.#grow(maxEnvironments), patienceMs);
      return;
    }
    while (this.#starting < this.#waiting.length && this.#all.size + this.#starting < maxEnvironments)
      void this.#start();
  }

  /** One more for whoever still waits, and another look later. */
  #grow(maxEnvironments: number): void {
    this.#patience = undefined;
    if (this.#closed || this.#waiting.length === 0) return;
    if (this.#starting === 0 && this.#all.size < maxEnvironments) void this.#start();
    this.#serve();
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const environment = await this.#dependencies.runtime.start(this.definition, this.#forward);
      if (this.#closed) return await environment.close();
      this.#all.add(environment);
      this.#release(environment);
    } catch (thrown) {
      const error =
        thrown instanceof FunctionFailure
          ? thrown.error
          : { errorType: "Runtime.Unknown", errorMessage: String(thrown) };
      if (!this.#closed) this.#report(error);
      this.#waiting.shift()?.resolve({ ok: false, error });
    } finally {
      this.#starting -= 1;
      if (!this.#closed) this.#serve();
    }
  }

  async #run(environment: FunctionEnvironment, { payload, requestId, resolve }: Waiting): Promise<void> {
    const { clock } = this.#dependencies;
    const { timeoutMs } = this.definition;
    this.#busy += 1;
    let timedOut = false;
    const timer = clock.setTimeout(() => {
      timedOut = true;
      void environment.close();
    }, timeoutMs);
    const given = await environment.invoke({ requestId, payload, deadline: clock.now() + timeoutMs });
    timer.cancel();
    this.#busy -= 1;
    const result = timedOut ? timeOut(requestId, timeoutMs) : checkSize(given);
    if (!result.ok && !this.#closed) this.#report(result.error, requestId);
    if (environment.alive && !timedOut) this.#release(environment);
    else this.#all.delete(environment);
    resolve(result);
    this.#serve();
  }

  #release(environment: FunctionEnvironment): void {
    if (this.#closed) return;
    const timer = this.#dependencies.clock.setTimeout(() => this.#drop(environment), idleMs);
    this.#idle.push({ environment, timer });
    this.#serve();
  }

  #drop(environment: FunctionEnvironment): void {
    const at = this.#idle.findIndex((each) => each.environment === environment);
    if (at < 0 || this.#all.size === 1) return;
    this.#idle.splice(at, 1);
    this.#all.delete(environment);
    void environment.close();
  }

  #report(error: { errorType: string; errorMessage: string; trace?: readonly string[] }, requestId?: string): void {
    this.#log.error(`${error.errorType}: ${error.errorMessage}`, {
      function: this.definition.name,
      ...(requestId === undefined ? {} : { requestId }),
      ...(error.trace === undefined ? {} : { trace: error.trace.slice(0, 8) }),
    });
  }
}

function timeOut(requestId: string, timeoutMs: number): InvokeResult {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return failure("Sandbox.Timedout", `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`);
}

function checkSize(result: InvokeResult): InvokeResult {
  if (!result.ok || Buffer.byteLength(JSON.stringify(result.payload) ?? "null") <= maxSyncPayloadBytes) return result;
  const message = `Response payload size exceeded maximum allowed payload size (${maxSyncPayloadBytes} bytes).`;
  return failure("Function.ResponseSizeTooLarge", message);
}

function failure(errorType: string, errorMessage: string): InvokeResult {
  return { ok: false, error: { errorType, errorMessage } };
}
