/** Many histories, side by side in processes of their own. */
import { fork } from "node:child_process";
import { availableParallelism, constants, setPriority } from "node:os";
import { planHistory } from "./plan-history.ts";
import { type Outcome, runHistory } from "./run-history.ts";
import { Tally } from "./tally.ts";

/** What a process tells of a history. */
interface Told {
  readonly seed: number;
  readonly outcome: Pick<Outcome, "violations" | "calls" | "simulatedMs"> &
    Record<"injected" | "states" | "actions", [string, number][]>;
}

/** Histories make much that is soon forgotten: with room for it, half of the time is saved. */
const MEMORY = ["--max-semi-space-size=64"];

export interface ManyOptions {
  /** Told after each history. */
  readonly onPlayed?: (seed: number, violations: Outcome["violations"], tally: Tally) => void;
  /** Takes only the processor time that nobody else wants. */
  readonly isPatient?: boolean;
  readonly signal?: AbortSignal;
}

/** @throws Error when a process ended before its histories did */
export async function runMany(
  first: number,
  count: number,
  { onPlayed = () => undefined, isPatient = false, signal }: ManyOptions = {},
): Promise<Tally> {
  const tally = new Tally();
  const processes = Math.max(1, Math.min(availableParallelism(), count));
  await Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const seeds = [first + index, first + count, processes].map(String);
      const child = fork(import.meta.filename, seeds, { execArgv: MEMORY, ...(signal ? { signal } : {}) });
      if (isPatient && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
      child.on("message", ({ seed, outcome }: Told) => {
        const { injected, states, actions } = outcome;
        tally.add(seed, {
          ...outcome,
          injected: new Map(injected),
          states: new Map(states),
          actions: new Map(actions),
        });
        onPlayed(seed, outcome.violations, tally);
      });
      return new Promise<void>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", (code, signal) =>
          code === 0 ? resolve() : reject(new Error(`Histories broke off (${code ?? signal}).`)),
        );
      });
    }),
  );
  return tally;
}

if (import.meta.main && process.send) {
  const [from = 0, to = 0, step = 1] = process.argv.slice(2).map(Number);
  for (let seed = from; seed < to; seed += step) {
    const { violations, calls, simulatedMs, injected, states, actions } = await runHistory(planHistory(seed));
    const counts = { injected: [...injected], states: [...states], actions: [...actions] };
    const told: Told = { seed, outcome: { violations, calls, simulatedMs, ...counts } };
    process.send(told);
  }
  process.disconnect();
}
