import type { Clock } from "#local/service.ts";

/**
 * Calls that are made at the same moment take place in an order of their own names. A bundle that was just loaded needs more steps
 * until it calls than one that is warm, and a history must not depend on that.
 */
export class CallTurns {
  readonly #clock: Clock;
  #waiting: { readonly name: string; readonly go: () => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param name equal ones keep the order in which they came */
  take(name: string): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ name, go });
      if (this.#waiting.length > 1) return;
      this.#clock.setTimeout(() => {
        const all = this.#waiting.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
        this.#waiting = [];
        for (const { go: next } of all) next();
      }, 0);
    });
  }
}
