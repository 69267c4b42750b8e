import { FAULTS } from "./faults.ts";
import type { Outcome } from "./run-history.ts";

/** What many histories came through, in numbers. */
export class Tally {
  readonly failed: number[] = [];
  readonly #began = performance.now();
  readonly #faults = new Map<string, number>(Object.values(FAULTS).flatMap((names) => names.map((name) => [name, 0])));
  readonly #states = new Map<string, number>();
  readonly #actions = new Map<string, number>();
  histories = 0;
  #calls = 0;
  #simulatedMs = 0;

  add(
    seed: number,
    {
      violations,
      injected,
      states,
      actions,
      calls,
      simulatedMs,
    }: Pick<Outcome, "violations" | "injected" | "states" | "actions" | "calls" | "simulatedMs">,
  ): void {
    this.histories += 1;
    this.#calls += calls;
    this.#simulatedMs += simulatedMs;
    if (violations.length > 0) this.failed.push(seed);
    for (const [counts, more] of [
      [this.#faults, injected],
      [this.#states, states],
      [this.#actions, actions],
    ] as const) {
      for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }

  get progress(): string {
    const seconds = (performance.now() - this.#began) / 1_000;
    return `${this.histories} histories in ${seconds.toFixed(1)} s (${(this.histories / seconds).toFixed(2)} a second)`;
  }

  describe(): string {
    const list = (counts: ReadonlyMap<string, number>): string =>
      [...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`)
        .join("\n");
    return [
      `${this.progress}, ${(this.#simulatedMs / 3_600_000).toFixed(1)} simulated hours, ${this.#calls} calls to services`,
      `What people did:\n${list(this.#actions)}`,
      `What went wrong:\n${list(this.#faults)}`,
      `Phases that were reached:\n${list(this.#states)}`,
      this.failed.length === 0
        ? "All held."
        : `${this.failed.length} failed: ${this.failed.join(", ")}. Replay one: npm run faults -- --seed ${this.failed[0]}`,
    ].join("\n");
  }
}
