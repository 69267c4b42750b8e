/** When somebody last used the workspace: a request, or an IDE that is open in a tab. */
import { type Clock, pause } from "./clock.ts";

const BEAT_INTERVAL_MS = 60_000;

export class Activity {
  readonly #clock: Clock;
  #lastAt: number;
  #openSockets = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastAt = clock.now();
  }

  /** Milliseconds since 1970. */
  get at(): number {
    if (this.#openSockets > 0) this.touch();
    return this.#lastAt;
  }

  touch(): void {
    this.#lastAt = this.#clock.now();
  }

  /** Counts a socket as use for as long as it is open. @returns what ends it, safe to call twice */
  open(): () => void {
    this.touch();
    this.#openSockets += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.touch();
      this.#openSockets -= 1;
    };
  }
}

/** Says each minute that this instance lives, until the signal aborts. */
export async function beat(
  clock: Clock,
  activity: Activity,
  send: (beat: { activeAt: number }) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await send({ activeAt: Math.floor(activity.at) }).catch(() => undefined);
    await pause(clock, BEAT_INTERVAL_MS, signal);
  }
}
