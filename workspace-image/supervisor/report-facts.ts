/** Says what the supervisor knows, whole each time, whenever it changes. */
import { randomBytes } from "node:crypto";
import type { SupervisorFact } from "#protocol/methods/instance.ts";
import { type Clock, pause } from "./clock.ts";

export type Facts = Omit<SupervisorFact, "bootId" | "sequence">;

/** A start's progress looks live at five a second, and each report costs two writes and a push. */
const SHORTEST_INTERVAL_MS = 200;

export interface ReporterOptions {
  readonly clock: Clock;
  /** Sends what `newest` gives at each attempt, and returns once that is acknowledged; throws when it never will be. */
  readonly send: (newest: () => SupervisorFact) => Promise<unknown>;
  readonly onRefused: (error: unknown) => void;
}

/** One report is on its way at a time; what changes meanwhile goes with its next attempt. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #bootId = randomBytes(8).toString("hex");
  #sequence = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #facts: Facts = { clone: { state: "waiting" }, ide: { state: "waiting" }, ports: [], tasks: [] };
  #hurry = new AbortController();
  #isChanged = false;
  #isRefused = false;
  #running: Promise<void> | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  get facts(): Readonly<Facts> {
    return this.#facts;
  }

  /** Joins a change; `failure` and `readyAt` are said once and stay. */
  update(change: Partial<Facts>): void {
    const { failure, readyAt, ...rest } = change;
    const facts = { ...this.#facts, ...rest };
    if (failure !== undefined && facts.failure === undefined) facts.failure = failure.slice(0, 2_000);
    if (readyAt !== undefined && facts.readyAt === undefined) {
      facts.readyAt = readyAt;
      this.#lastAt = Number.NEGATIVE_INFINITY;
      this.#hurry.abort();
    }
    this.#facts = facts;
    this.#isChanged = true;
    this.#start();
  }

  /** Ends when everything that was said so far is acknowledged, or never will be. */
  async acknowledged(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #start(): void {
    if (this.#running || this.#isRefused) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isChanged) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#isChanged && !this.#isRefused) {
      const left = this.#lastAt + SHORTEST_INTERVAL_MS - this.#options.clock.now();
      // Somebody waits for nothing but that it is ready.
      this.#hurry = new AbortController();
      if (left > 0) await pause(this.#options.clock, left, this.#hurry.signal);
      this.#lastAt = this.#options.clock.now();
      try {
        await this.#options.send(() => this.#newest());
      } catch (error) {
        this.#isRefused = true;
        this.#isChanged = false;
        this.#options.onRefused(error);
        return;
      }
    }
  }

  #newest(): SupervisorFact {
    if (this.#isChanged) this.#sequence += 1;
    this.#isChanged = false;
    return { bootId: this.#bootId, sequence: this.#sequence, ...this.#facts };
  }
}
