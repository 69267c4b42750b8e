/** Lets one history happen, lets it settle, and says what did not hold. */

import { WORKSPACE_ID } from "#protocol/ids.ts";
import { checkEnd, isSettled } from "./check-invariants.ts";
import { findAnyLeft, findLeft, findRestingRow, findRunLeft, hasConnections } from "./check-left.ts";
import type { Defect } from "./defects.ts";
import type { LogLine } from "./history-log.ts";
import { Monitor, type Violation } from "./monitor.ts";
import { People } from "./people.ts";
import type { Action, History } from "./plan-history.ts";
import { MAX_RUNNING, World } from "./world.ts";

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
  /** When runs were asked for, by their ids. */
  readonly begins: ReadonlyMap<string, number>;
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
    changeEdge: defect?.changeEdge,
    onSupervisor: {
      onSaved: (container) => monitor.onSaved(container),
      onOpened: (container, files) => monitor.onOpened(container, files),
      onIdentity: (identity) => identities.all.push(identity),
      onBeat: (container, activeAt) => monitor.onBeat(container, activeAt),
    },
  });
  const { clock } = world;
  const monitor = new Monitor(() => clock.now(), MAX_RUNNING);
  world.tables.watch = (before, after) => monitor.onWrite(before, after);
  world.machines.onBegin = (container) => monitor.onBegin(container);
  watchEnds(world, monitor);
  const startedAt = clock.now();
  const actions = new Map<string, number>();
  await world.start();
  const people = await People.arrive(world, monitor, history, identities.all);

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
      await people.comeBack();
      people.deleteAll();
      await clock.runUntil(clock.now() + 20_000);
      await settle(world, monitor, people);
      if (monitor.violations.length === 0) await leaveNothing(world, monitor, people);
    }
  }
  people.leave();
  world.end();
  const calls = [...world.calls.values()].reduce((sum, count) => sum + count, 0);
  const { violations, states, begins, ends } = monitor;
  const simulatedMs = clock.now() - startedAt;
  return {
    violations,
    injected: world.faults.injected,
    states,
    actions,
    log: world.log,
    begins,
    ends,
    calls,
    simulatedMs,
    startedAt,
  };
}

/** API Gateway ends a socket that was silent for ten minutes, as one is whose other end went without a word. */
const SILENT_MS = 11 * 60_000;

async function leaveNothing(world: World, monitor: Monitor, people: People): Promise<void> {
  const { clock } = world;
  const left = await findAnyLeft(
    world,
    [...monitor.ends.keys()].filter((id) => WORKSPACE_ID.test(id)),
  );
  if (left) return monitor.violate(4, `${left} after all was deleted`);
  people.leave();
  await clock.runUntil(clock.now() + 10_000);
  await clock.runUntil(clock.now() + SILENT_MS, () => !hasConnections(world));
  const resting = findRestingRow(world);
  if (resting) monitor.violate(4, resting);
}

/** What people end is ended, and has left nothing, within so long of their request. */
const END_MS = 30_000;

/** In a history in which nothing goes wrong. */
function watchEnds(world: World, monitor: Monitor): void {
  if (world.faults.count > 0) return;
  monitor.slownessMs = 1_000;
  monitor.onEnding = ({ id, instance, isDeleted }) => {
    const askedAt = world.clock.now();
    world.outside.setTimeout(async () => {
      if (world.cloud === undefined || world.upSince > askedAt) return;
      const left = isDeleted ? await findLeft(world, id) : instance && findRunLeft(world, monitor, instance.id);
      if (left) monitor.violate(left.invariant, `${left.text} ${END_MS} ms after its end was asked for`);
    }, END_MS);
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
