import { randomBytes } from "node:crypto";
import type { Clock, RandomSource, Timer } from "./service.ts";

/** setTimeout's longest delay; a longer one would fire at once, so it is taken in steps. */
const longestDelayMs = 2 ** 31 - 1;

/** The machine's time. */
export const realClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, ms) {
    let handle: NodeJS.Timeout;
    const wait = (remaining: number): void => {
      const step = Math.min(Math.max(remaining, 0), longestDelayMs);
      handle = setTimeout(() => (remaining > step ? wait(remaining - step) : callback()), step);
    };
    wait(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** The machine's randomness. */
export const realRandom: RandomSource = { bytes: (length) => randomBytes(length) };

/** A clock that stands still until it is moved: timers fire in order of their time, then of their setting. */
export class HeldClock implements Clock {
  #now: number;
  #sequence = 0;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const id = this.#sequence++;
    this.#timers.set(id, { at: this.#now + Math.max(ms, 0), callback });
    return { cancel: () => this.#timers.delete(id) };
  }

  /** How many timers wait: 0 when everything was stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time and fires what falls due, letting promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#due(end);
      if (next === undefined) break;
      this.#timers.delete(next.id);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #due(end: number): { id: number; at: number; callback: () => void } | undefined {
    let first: { id: number; at: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = { id, ...timer };
    }
    return first;
  }
}

/** A turn of the event loop, so that whatever was waiting on promises has gone on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
