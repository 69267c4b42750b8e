/** A bucket of tokens that fills evenly up to `burst`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Driven by the time that it is given, so that simulated time drives it too. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** How many tokens there are; `now` in milliseconds, never earlier than the last. */
  available(now: number): number {
    const elapsedSeconds = Math.max(0, now - this.#at) / 1_000;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + elapsedSeconds * this.#rate.perSecond);
    this.#at = Math.max(this.#at, now);
    // Sums of thirds and tenths fall short of whole numbers by rounding alone.
    return Math.floor(this.#tokens + 1e-9);
  }

  /** Takes `count` tokens, or none when there are fewer. */
  take(now: number, count = 1): boolean {
    if (this.available(now) < count) return false;
    this.#tokens -= count;
    return true;
  }
}
