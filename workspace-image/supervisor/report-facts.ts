/** Says what the supervisor knows, whole each time, whenever it changes. */
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { SupervisorFact } from "#protocol/methods/instance.ts";
import { type Clock, pause } from "./clock.ts";

export type Facts = Omit<SupervisorFact, "bootId" | "sequence">;

/** Each report costs a write and a push: changes that come together go together, */
const SHORTEST_INTERVAL_MS = 200;
/** and a percentage that is still growing looks live at one a second. */
const PROGRESS_INTERVAL_MS = 1_000;

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
  /** What changed is more than how far something is. */
  #isNews = false;
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
    if (!this.#isNews && isNews(this.#facts, facts)) {
      this.#isNews = true;
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
      await this.#waitForTurn();
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

  /** Ends earlier when meanwhile there is news, and at once for the ready IDE: somebody waits for nothing else. */
  async #waitForTurn(): Promise<void> {
    for (;;) {
      const interval = this.#isNews ? SHORTEST_INTERVAL_MS : PROGRESS_INTERVAL_MS;
      const left = this.#lastAt + interval - this.#options.clock.now();
      if (left <= 0) return;
      this.#hurry = new AbortController();
      await pause(this.#options.clock, left, this.#hurry.signal);
    }
  }

  #newest(): SupervisorFact {
    if (this.#isChanged) this.#sequence += 1;
    this.#isChanged = false;
    this.#isNews = false;
    return { bootId: this.#bootId, sequence: this.#sequence, ...this.#facts };
  }
}

function isNews(before: Facts, after: Facts): boolean {
  return !isDeepStrictEqual(withoutDetails(before), withoutDetails(after));
}

function withoutDetails({ clone, ide, ...rest }: Facts): unknown {
  return { ...rest, clone: { ...clone, detail: undefined }, ide: { ...ide, detail: undefined } };
}
