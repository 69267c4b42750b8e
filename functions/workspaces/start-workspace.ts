/** workspace.start */
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { addLogFields } from "#functions/runtime/log.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { AtelierError } from "#protocol/errors.ts";
import { instanceId } from "#protocol/ids.ts";
import { newInstance } from "./facts.ts";
import { assertOwner, getOwnWorkspace, notFound } from "./own-workspace.ts";
import { keepInstance, removePastInstances } from "./past-instance-store.ts";
import { livingTasks, phaseOf } from "./phase.ts";
import { presentWorkspace } from "./present-workspace.ts";
import { site } from "./site.ts";
import { freeSlot } from "./slot-store.ts";
import { takePlace } from "./take-place.ts";
import { updateWorkspace } from "./update-workspace.ts";
import { isComplete } from "./volume-state.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

export const startWorkspace: Handler<"workspace.start"> = async ({ id }, call) => {
  const row = await getOwnWorkspace(id, call.userId);
  const started = isStartable(row) ? await start(row) : row;
  return { workspace: presentWorkspace(started, site()) };
};

/** @returns false when a run is on its way or there. @throws AtelierError CONFLICT while the last one is stopping */
function isStartable({ instance }: WorkspaceRow): boolean {
  const phase = instance ? phaseOf(instance) : "stopped";
  if (phase === "stopping") {
    throw new AtelierError("CONFLICT", "This workspace is still stopping. Start it again in a moment.");
  }
  return phase === "stopped";
}

async function start(row: WorkspaceRow): Promise<WorkspaceRow> {
  const run = row.run + 1;
  const next = instanceId(row.id, run);
  addLogFields({ instanceId: next });
  // The run before has ended, and the driver may not have come to it yet.
  if (row.instance && row.instance.slotFreedAt === undefined) await freeSlot(row.ownerId, row.instance.id);
  await bothDone(
    takePlace(row.ownerId, next),
    // Before the row lets go of it: a torn write leaves a copy too many, never one too few.
    keepInstance(row),
  );
  let former = row;
  let isAsked = false;
  const after = await updateWorkspace(
    row.id,
    (current) => {
      if (current.run !== row.run || current.deleted || !isStartable(current)) return undefined;
      former = current;
      return withRun(current, run, clock.now());
    },
    row,
    () => {
      isAsked = true;
      return askDriver(row.id);
    },
  );
  if (!after || after.deleted) await removePastInstances(row.id);
  // More became known of it meanwhile.
  else if (former.revision > row.revision) await keepInstance(former);
  if (after?.instance?.id !== next) await freeSlot(row.ownerId, next);
  // The same start, a moment earlier, may have been cut off before it asked.
  else if (!isAsked) await askDriver(row.id);
  if (!after) throw notFound();
  assertOwner(after, row.ownerId);
  return after;
}

/** Waits for the one also when the other fails: what a function leaves undone when it answers is frozen with it. @throws what the first throws, or the second */
async function bothDone(first: Promise<unknown>, second: Promise<unknown>): Promise<void> {
  const outcomes = await Promise.allSettled([first, second]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** The next run. What may still live of the last one is kept in mind, for the driver to stop. */
function withRun(row: WorkspaceRow, run: number, requestedAt: number): WorkspaceRow {
  const leftovers = row.instance ? livingTasks(row.instance).map(([arn]) => arn) : [];
  const strays = [...new Set([...(row.strays ?? []), ...leftovers])];
  return {
    ...row,
    run,
    ...(strays.length > 0 ? { strays } : {}),
    instance: newInstance({
      id: instanceId(row.id, run),
      requestedAt,
      class: row.class,
      volumeKept: isComplete(row.volume),
    }),
  };
}
