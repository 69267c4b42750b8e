/** Lets one history happen, lets it settle, and says what did not hold. */

import { checkEnd, checkGone, isSettled } from "./check-invariants.ts";
import type { Defect } from "./defects.ts";
import { Monitor, type Violation } from "./monitor.ts";
import { People } from "./people.ts";
import type { Action, History } from "./plan-history.ts";
import { type LogLine, MAX_RUNNING, World } from "./world.ts";

/** The longest deadline of a phase that a start passes through, twice: `initializing` may take 30 minutes. */
const SETTLE_MS = 2 * 30 * 60_000;
/** A tab compares its list with the table every five minutes at the latest; and a sweep comes each minute. */
const LOOK_MS = 20_000;
/** It is quiet when nothing has changed for longer than from one sweep to the next. */
const QUIET_MS = 65_000;

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly injected: ReadonlyMap<string, number>;
  readonly states: ReadonlyMap<string, number>;
  readonly actions: ReadonlyMap<string, number>;
  readonly log: readonly LogLine[];
  /** When runs ended and workspaces were gone, by their ids. */
  readonly ends: ReadonlyMap<string, number>;
  readonly calls: number;
  /** Simulated time that it took. */
  readonly simulatedMs: number;
  readonly startedAt: number;
}

export async function runHistory(history: History, defect?: Defect): Promise<Outcome> {
  const identities = new Identities();
  const world = new World({
    seed: history.seed,
    faults: history.faults,
    tamper: defect?.tamper?.(),
    onSupervisor: {
      onSaved: (container) => monitor.onSaved(container),
      onOpened: (container, files) => monitor.onOpened(container, files),
      onIdentity: (identity) => identities.all.push(identity),
    },
  });
  const { clock } = world;
  const monitor = new Monitor(() => clock.now(), MAX_RUNNING);
  world.tables.watch = (before, after) => monitor.onWrite(before, after);
  world.machines.onBegin = (container) => monitor.onBegin(container);
  const startedAt = clock.now();
  const actions = new Map<string, number>();
  await world.start();
  const people = await People.arrive(world, monitor, history.seed, identities.all);

  const act = (action: Action): void => {
    actions.set(action.name, (actions.get(action.name) ?? 0) + 1);
    world.note("action", JSON.stringify(action));
    if (action.name === "kill cloud") restart(world, monitor, action.ms);
    else people.act(action);
  };
  for (const action of history.actions) world.outside.setTimeout(() => act(action), action.atMs);
  const lastMs = history.actions.at(-1)?.atMs ?? 0;
  await clock.runUntil(startedAt + lastMs + 10_000, () => monitor.violations.length > 0);
  await settle(world, monitor, people);
  if (monitor.violations.length === 0) {
    await checkEnd({ world, monitor, people, alarmed: defect?.alarmed });
    if (monitor.violations.length === 0) {
      people.deleteAll();
      await clock.runUntil(clock.now() + 20_000);
      await settle(world, monitor, people);
      checkGone({ world, monitor });
    }
  }
  people.leave();
  world.end();
  const calls = [...world.calls.values()].reduce((sum, count) => sum + count, 0);
  const { violations, states, ends } = monitor;
  const simulatedMs = clock.now() - startedAt;
  return {
    violations,
    injected: world.faults.injected,
    states,
    actions,
    log: world.log,
    ends,
    calls,
    simulatedMs,
    startedAt,
  };
}

class Identities {
  readonly all: People["identities"] = [];
}

/** A new start may take so long until every workspace is shown as what it is. */
const TRUTH_MS = 10_000;

function restart(world: World, monitor: Monitor, downMs: number): void {
  if (world.cloud === undefined) return;
  world.kill();
  const left = world.machines.running.map(({ instanceId }) => instanceId);
  world.outside.setTimeout(() => {
    world.clock.hold(world.start());
    world.outside.setTimeout(() => {
      // It is so when nothing else goes wrong at the same time.
      if (world.faults.count > 0 || world.clock.now() - world.upSince !== TRUTH_MS) return;
      for (const instanceId of left) {
        const phase = monitor.phases.get(instanceId);
        if (phase !== "stopped") monitor.violate(1, `${instanceId} is ${phase} ${TRUTH_MS} ms after a new start`);
      }
    }, TRUTH_MS);
  }, downMs);
}

/** Until all is quiet, at most as long as it may take. Nothing new goes wrong meanwhile. */
async function settle(world: World, monitor: Monitor, people: People): Promise<void> {
  const { clock } = world;
  const end = clock.now() + SETTLE_MS;
  world.faults.isOver = true;
  let quietSince = Number.POSITIVE_INFINITY;
  while (clock.now() < end && monitor.violations.length === 0) {
    await clock.runUntil(clock.now() + LOOK_MS, () => monitor.violations.length > 0);
    monitor.checkDeadlines(world.upSince);
    const reasons = isSettled({ world, monitor, people });
    if (reasons !== undefined) quietSince = Number.POSITIVE_INFINITY;
    else quietSince = Math.min(quietSince, clock.now());
    if (clock.now() - quietSince >= QUIET_MS) return;
  }
  const reason = isSettled({ world, monitor, people });
  if (monitor.violations.length === 0 && reason) monitor.violate(reason.invariant, `after an hour: ${reason.text}`);
}
