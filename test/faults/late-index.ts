import type { FaultInjector } from "./faults.ts";
import { MAX_INDEX_LAG_MS } from "./memory-tables.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** How long ago it was what queries of indexes answer: hardly ever anything to see, but from a fault on, some of them see the past. */
export function lagBehind(faults: FaultInjector, random: SeededRandom): () => number {
  let late = { ms: 0, queries: 0 };
  return () => {
    const fault = faults.at("index");
    if (fault) late = { ms: Math.min(fault.ms, MAX_INDEX_LAG_MS), queries: fault.times };
    if (late.queries === 0 || faults.isOver) return random.chance(0.1) ? 20 : 0;
    late.queries -= 1;
    return late.ms;
  };
}
