/** From a seed to what people do and what goes wrong. Data only: a history is replayed and shrunk by it. */
import { IDLE_MS } from "#functions/workspaces/deadlines.ts";
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
  "storm",
  "session ends",
  "sign in",
  "go away",
  "come back",
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
  enter: 7,
  "open tab": 2,
  "close tab": 1,
  cut: 2,
  sleep: 1,
  storm: 0,
  "session ends": 0,
  "sign in": 0,
  "go away": 0,
  "come back": 0,
  "kill cloud": 0,
};
const WEIGHTED = ACTIONS.flatMap((name) => Array<ActionName>(WEIGHTS[name]).fill(name));

/** The longest that people do things. */
const LONGEST_MS = 240_000;

export function planHistory(seed: number): History {
  const random = new SeededRandom(seed, "plan");
  const count = random.between(4, 10);
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
  const rare = new SeededRandom(seed, "rare");
  if (rare.chance(0.1)) actions.push(...goAway(rare, lengthMs));
  if (rare.chance(0.1)) actions.push({ ...anywhen(rare, lengthMs), name: "storm", ms: rare.between(2_000, 40_000) });
  if (rare.chance(0.1)) actions.push(...endSession(rare, lengthMs));
  actions.sort((a, b) => a.atMs - b.atMs);
  // One in eight histories has people only: what fails there fails for nobody else's fault.
  const faults = random.chance(0.12) ? [] : planFaults(random, random.between(1, 10));
  return { seed, actions, faults };
}

/** A cookie is good for nothing any more while its person is there; her laptop sleeps over it, or a socket is cut later. */
function endSession(random: SeededRandom, lengthMs: number): Action[] {
  const end: Action = { ...anywhen(random, lengthMs), name: "session ends" };
  const later = (name: ActionName): Action => ({
    ...end,
    atMs: end.atMs + random.between(-20_000, 40_000),
    name,
    nth: random.between(0, 1),
    ms: random.between(1_000, 30_000),
  });
  return [end, later(random.pick(["sleep", "cut"])), later("cut"), ...(random.chance(0.5) ? [later("sign in")] : [])];
}

function anywhen(random: SeededRandom, lengthMs: number): Omit<Action, "name"> {
  return { atMs: random.between(0, lengthMs), user: random.pick(USERS), nth: 0, ms: 0 };
}

/** People leave what runs alone; it is to stop half an hour later, unless somebody comes back before. */
function goAway(random: SeededRandom, lengthMs: number): Action[] {
  const away = USERS.flatMap((user) =>
    [0, 1].map((nth): Action => ({ atMs: random.between(lengthMs / 2, lengthMs), user, nth, ms: 0, name: "go away" })),
  );
  return away.flatMap((action): Action[] => {
    const atMs = action.atMs + IDLE_MS + random.between(-40_000, 60_000);
    return [action, { ...action, atMs, name: random.chance(0.5) ? "come back" : "go away" }];
  });
}
