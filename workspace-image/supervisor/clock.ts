/** Time and chance, so that a supervisor can run on simulated ones. */
import { randomBytes } from "node:crypto";

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  setTimeout(callback: () => void, ms: number): { cancel(): void };
}

export const realClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, ms) {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A number in [0, 1). */
export type Chance = () => number;
export const realChance: Chance = () => randomBytes(4).readUInt32BE() / 2 ** 32;

/** Ends after `ms`, or at once when the signal aborts; never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** The result of `work`, or `undefined` when it takes longer than `ms`. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, pause(clock, ms, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
}
