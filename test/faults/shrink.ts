/** Makes a failing history as small as it goes: fewer actions and fewer faults, while the same invariant still breaks. */
import type { Defect } from "./defects.ts";
import type { Violation } from "./monitor.ts";
import type { History } from "./plan-history.ts";
import { type Outcome, runHistory } from "./run-history.ts";

export interface Failure {
  readonly history: History;
  readonly outcome: Outcome;
}

/** @throws Error when the history holds */
export async function shrink(history: History, defect?: Defect): Promise<Failure> {
  const first = await runHistory(history, defect);
  const [violation] = first.violations;
  if (violation === undefined) throw new Error(`Seed ${history.seed} holds when it is replayed.`);
  let smallest: Failure = { history, outcome: first };
  const attempt = async (smaller: History): Promise<boolean> => {
    const outcome = await runHistory(smaller, defect);
    if (!breaksToo(violation, outcome)) return false;
    smallest = { history: smaller, outcome };
    return true;
  };
  for (const part of ["faults", "actions"] as const) {
    for (let size = Math.ceil(history[part].length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.history[part].length; ) {
        const rest = smallest.history[part].toSpliced(at, size);
        if (!(await attempt({ ...smallest.history, [part]: rest }))) at += size;
      }
    }
  }
  return smallest;
}

function breaksToo({ invariant }: Violation, { violations }: Outcome): boolean {
  return violations.some((one) => one.invariant === invariant);
}

export function describeFailure({ history, outcome }: Failure): string {
  const when = (at: number): string => `${((at - outcome.startedAt) / 1_000).toFixed(3)} s`;
  return [
    `Seed ${history.seed} fails:`,
    ...outcome.violations.map(({ invariant, at, text }) => `  invariant ${invariant} at ${when(at)}: ${text}`),
    "It is enough that these happen:",
    ...history.actions.map((action) => `  ${JSON.stringify(action)}`),
    ...history.faults.map((fault) => `  ${JSON.stringify(fault)}`),
    `Replay it: npm run faults -- --seed ${history.seed} --log`,
  ].join("\n");
}
