/** What can go wrong in a history: at which occasion, and how. A fault is data, so that a history can be shrunk. */
import type { SeededRandom } from "./seeded-random.ts";

/** Where something can go wrong; each occasion of a kind is counted. */
export type Occasion = "call" | "index" | "event" | "message" | "receipt" | "run-task" | "task" | "request";

export const FAULTS = {
  /** A call of a function to AWS. */
  call: [
    "killed before a call",
    "killed after a call",
    "hung before a call",
    "hung after a call",
    "answer lost",
    "server error",
    "throttled",
    "slow before",
    "slow after",
  ],
  /** A query of an index, which follows its table. */
  index: ["index late"],
  /** What ECS says of a task. */
  event: ["event lost", "event doubled", "event late"],
  /** A message of a queue. */
  message: ["message doubled", "message late"],
  receipt: ["message redelivered"],
  "run-task": ["no capacity"],
  /** A task that is started. */
  task: [
    "image not found",
    "never starts",
    "slow start",
    "dies at start",
    "dies while initializing",
    "dies while running",
    "gives up",
    "Spot interruption",
    "supervisor cut off",
    "supervisor cut off for good",
    "ignores SIGTERM",
  ],
  /** A request of a client. */
  request: ["request lost", "response lost"],
} as const satisfies Record<Occasion, readonly string[]>;
export type FaultName = (typeof FAULTS)[Occasion][number];

export interface Fault {
  readonly occasion: Occasion;
  /** At the so-manieth, from 0. */
  readonly nth: number;
  readonly name: FaultName;
  /** Milliseconds, where it is about time. */
  readonly ms: number;
  /** How often in a row, where that matters. */
  readonly times: number;
}

/** Roughly how many occasions a history has, and how many of its faults are of this kind. */
const SPREAD: Readonly<Record<Occasion, { occasions: number; weight: number }>> = {
  call: { occasions: 600, weight: 10 },
  index: { occasions: 25, weight: 3 },
  event: { occasions: 40, weight: 6 },
  message: { occasions: 15, weight: 2 },
  receipt: { occasions: 15, weight: 1 },
  "run-task": { occasions: 4, weight: 2 },
  task: { occasions: 4, weight: 5 },
  request: { occasions: 80, weight: 2 },
};

export function planFaults(random: SeededRandom, count: number): Fault[] {
  const weighted = Object.entries(SPREAD).flatMap(([occasion, { weight }]) =>
    Array<Occasion>(weight).fill(occasion as Occasion),
  );
  return Array.from({ length: count }, () => {
    const occasion = random.pick(weighted);
    return {
      occasion,
      nth: random.between(0, SPREAD[occasion].occasions - 1),
      name: random.pick<FaultName>(FAULTS[occasion]),
      ms: Math.round(10 ** (random.fraction() * 2.5 + 2.3)),
      times: random.between(1, 6),
    };
  });
}

/** Says at each occasion what goes wrong. */
export class FaultInjector {
  readonly #faults = new Map<string, Fault>();
  readonly #counts = new Map<Occasion, number>();
  readonly injected = new Map<FaultName, number>();
  /** Once things are to settle, nothing new goes wrong. */
  isOver = false;

  /** How many are planned. */
  readonly count: number;

  constructor(faults: readonly Fault[]) {
    this.count = faults.length;
    for (const fault of faults) this.#faults.set(`${fault.occasion} ${fault.nth}`, fault);
  }

  at(occasion: Occasion): Fault | undefined {
    const nth = this.#counts.get(occasion) ?? 0;
    this.#counts.set(occasion, nth + 1);
    const fault = this.isOver ? undefined : this.#faults.get(`${occasion} ${nth}`);
    if (fault) this.injected.set(fault.name, (this.injected.get(fault.name) ?? 0) + 1);
    return fault;
  }
}
