import { uuid } from "../identifier.ts";
import type { RecordStore } from "../record-store.ts";
import type { Clock, InvokeResult, Logger, RandomSource, Timer } from "../service.ts";
import { maxAsyncPayloadBytes } from "./function-definition.ts";

/** What Lambda does with an event that keeps failing. */
export interface AsyncSettings {
  readonly maxRetries: number;
  readonly maxAgeMs: number;
  /** ARN that a record of the failure goes to; `undefined` for none. */
  readonly onFailure: string | undefined;
  readonly onSuccess: string | undefined;
  /** ARN of a queue that the event itself goes to. */
  readonly deadLetter: string | undefined;
}
export const defaultAsyncSettings: AsyncSettings = {
  maxRetries: 2,
  maxAgeMs: 6 * 3600_000,
  onFailure: undefined,
  onSuccess: undefined,
  deadLetter: undefined,
};

export interface PendingInvocation {
  readonly id: string;
  readonly functionArn: string;
  readonly payload: unknown;
  readonly acceptedAt: number;
  /** How often it has failed. */
  attempts: number;
  throttles: number;
}

export interface AsyncDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  settings(functionArn: string): AsyncSettings;
  invoke(functionArn: string, payload: unknown, requestId: string): Promise<InvokeResult>;
  /** Sends a record to the queue, bus or function of that ARN. */
  deliver(arn: string, record: unknown): Promise<void>;
}

/** AWS waits one minute before the first retry and two before the second. */
const retryDelaysMs = [60_000, 120_000];

/** Lambda's queue of asynchronous invocations: kept until they succeeded or were given up. */
export class AsyncInvocations {
  readonly #dependencies: AsyncDependencies;
  readonly #records: RecordStore<PendingInvocation>;
  readonly #timers = new Map<string, Timer>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(dependencies: AsyncDependencies, records: RecordStore<PendingInvocation>) {
    this.#dependencies = dependencies;
    this.#records = records;
  }

  /** Goes on with what an earlier run of the program left. */
  start(): void {
    for (const pending of this.#records.values.values()) this.#attempt(pending);
  }

  /** @throws Error when the event is larger than 1 MB */
  add(functionArn: string, payload: unknown): void {
    const size = Buffer.byteLength(JSON.stringify(payload) ?? "null");
    if (size > maxAsyncPayloadBytes)
      throw new Error(`An event of ${size} bytes is over Lambda's ${maxAsyncPayloadBytes}`);
    const { clock, random } = this.#dependencies;
    const pending: PendingInvocation = {
      id: uuid(random),
      functionArn,
      payload,
      acceptedAt: clock.now(),
      attempts: 0,
      throttles: 0,
    };
    this.#keep(pending);
    this.#attempt(pending);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await Promise.all(this.#running);
    await this.#records.settled();
  }

  #attempt(pending: PendingInvocation): void {
    const run = this.#run(pending).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(pending: PendingInvocation): Promise<void> {
    const { invoke, settings } = this.#dependencies;
    const result = await invoke(pending.functionArn, pending.payload, pending.id);
    // What was interrupted by the end of the program is tried again by the next one.
    if (this.#closed) return;
    const { maxRetries, maxAgeMs, onSuccess } = settings(pending.functionArn);
    if (result.ok) {
      if (onSuccess !== undefined)
        await this.#deliver(onSuccess, describe(pending, "Success", result, this.#dependencies.clock));
      return this.#forget(pending);
    }
    const throttled = result.error.errorType === "TooManyRequestsException";
    if (throttled) pending.throttles += 1;
    else pending.attempts += 1;
    const delayMs = throttled
      ? Math.min(1000 * 2 ** (pending.throttles - 1), 5 * 60_000)
      : (retryDelaysMs[pending.attempts - 1] ?? 120_000);
    const tooOld = this.#dependencies.clock.now() + delayMs - pending.acceptedAt > maxAgeMs;
    if (pending.attempts > maxRetries || tooOld) return this.#giveUp(pending, result, tooOld);
    this.#keep(pending);
    const timer = this.#dependencies.clock.setTimeout(() => {
      this.#timers.delete(pending.id);
      this.#attempt(pending);
    }, delayMs);
    this.#timers.set(pending.id, timer);
  }

  async #giveUp(pending: PendingInvocation, result: InvokeResult, tooOld: boolean): Promise<void> {
    const { clock, log, settings } = this.#dependencies;
    const { onFailure, deadLetter } = settings(pending.functionArn);
    log.error(`an event was given up after ${pending.attempts} failed attempts`, {
      function: pending.functionArn.slice(pending.functionArn.lastIndexOf(":") + 1),
      requestId: pending.id,
      kept: onFailure ?? deadLetter ?? "nowhere",
    });
    const condition = tooOld ? "EventAgeExceeded" : "RetriesExhausted";
    if (onFailure !== undefined) await this.#deliver(onFailure, describe(pending, condition, result, clock));
    if (deadLetter !== undefined) await this.#deliver(deadLetter, pending.payload);
    this.#forget(pending);
  }

  async #deliver(arn: string, record: unknown): Promise<void> {
    try {
      await this.#dependencies.deliver(arn, record);
    } catch (error) {
      this.#dependencies.log.error(`a record could not be delivered to ${arn}`, { error: String(error) });
    }
  }

  #keep(pending: PendingInvocation): void {
    this.#records.put(pending.id, pending).catch((error: unknown) => {
      this.#dependencies.log.error("an asynchronous invocation could not be kept on disk", { error: String(error) });
    });
  }

  #forget(pending: PendingInvocation): void {
    this.#records.delete(pending.id).catch((error: unknown) => {
      this.#dependencies.log.error("an asynchronous invocation could not be removed from disk", {
        error: String(error),
      });
    });
  }
}

/** The record that Lambda sends to a destination. */
function describe(pending: PendingInvocation, condition: string, result: InvokeResult, clock: Clock): unknown {
  return {
    version: "1.0",
    timestamp: new Date(clock.now()).toISOString(),
    requestContext: {
      requestId: pending.id,
      functionArn: `${pending.functionArn}:$LATEST`,
      condition,
      approximateInvokeCount: pending.attempts + (result.ok ? 1 : 0),
    },
    requestPayload: pending.payload,
    responseContext: {
      statusCode: 200,
      executedVersion: "$LATEST",
      ...(result.ok ? {} : { functionError: "Unhandled" }),
    },
    responsePayload: result.ok ? result.payload : result.error,
  };
}
