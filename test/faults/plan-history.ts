/** From a seed to what people do and what goes wrong. Data only: a history is replayed and shrunk by it. */
import { type Fault, planFaults } from "./faults.ts";
import { SeededRandom } from "./seeded-random.ts";

export const USERS = ["ann", "ben"] as const;

export const ACTIONS = [
  "create",
  "start",
  "stop",
  "delete",
  "enter",
  "open tab",
  "close tab",
  "cut",
  "sleep",
  "kill cloud",
] as const;
export type ActionName = (typeof ACTIONS)[number];

export interface Action {
  /** Milliseconds after the beginning. */
  readonly atMs: number;
  readonly user: (typeof USERS)[number];
  readonly name: ActionName;
  /** Which of the user's workspaces or tabs. */
  readonly nth: number;
  /** How long, where that matters. */
  readonly ms: number;
}

export interface History {
  readonly seed: number;
  readonly actions: readonly Action[];
  readonly faults: readonly Fault[];
}

const WEIGHTS: Readonly<Record<ActionName, number>> = {
  create: 6,
  start: 7,
  stop: 6,
  delete: 3,
  enter: 4,
  "open tab": 2,
  "close tab": 1,
  cut: 2,
  sleep: 1,
  "kill cloud": 0,
};
const WEIGHTED = ACTIONS.flatMap((name) => Array<ActionName>(WEIGHTS[name]).fill(name));

/** The longest that people do things. */
const LONGEST_MS = 240_000;

export function planHistory(seed: number): History {
  const random = new SeededRandom(seed, "plan");
  const count = random.between(5, 13);
  const lengthMs = random.between(30_000, LONGEST_MS);
  const user = () => random.pick(USERS);
  const ms = () => Math.round(10 ** (random.fraction() * 1.8 + 3));
  const actions: Action[] = [
    // Something to do something with.
    { atMs: 0, user: user(), name: "create", nth: 0, ms: 0 },
    ...Array.from({ length: count }, (): Action => {
      // Half of them come in bursts: what happens at the same moment is what goes wrong.
      const atMs = random.chance(0.5)
        ? random.between(0, lengthMs)
        : 20_000 * random.between(0, 4) + random.between(0, 300);
      return { atMs, user: user(), name: random.pick(WEIGHTED), nth: random.between(0, 3), ms: ms() };
    }),
  ];
  if (random.chance(0.25)) {
    actions.push({ atMs: random.between(1_000, lengthMs), user: user(), name: "kill cloud", nth: 0, ms: ms() });
  }
  actions.sort((a, b) => a.atMs - b.atMs);
  // One in eight histories has people only: what fails there fails for nobody else's fault.
  const faults = random.chance(0.12) ? [] : planFaults(random, random.between(1, 14));
  return { seed, actions, faults };
}
