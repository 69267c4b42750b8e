/** Compares what runs with what is to run, both ways. */
import { clock } from "#functions/runtime/clock.ts";
import { log } from "#functions/runtime/log.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { adoptTasks } from "./adopt-task.ts";
import { livingTasks } from "./phase.ts";
import { GONE, isOlderThanGrace } from "./take-step.ts";
import { type DescribedTask, describeTasks, listTasks, stopTask } from "./task-store.ts";
import { joinFacts } from "./update-workspace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

export async function sweepTasks(rows: readonly WorkspaceRow[]): Promise<void> {
  const running = new Set(await listTasks(undefined));
  const known = new Map(
    rows.flatMap((row) => (row.instance ? livingTasks(row.instance) : []).map(([arn]) => [arn, row])),
  );
  const unknown = [...running].filter((arn) => !known.has(arn));
  // Of those that ECS does not say are to run, it knows the end, or nothing.
  const silent = [...known.keys()].filter((arn) => !running.has(arn));
  const stale = rows.flatMap(staleTasks).filter((arn) => running.has(arn));
  const { tasks, missing } = await describeTasks([...new Set([...unknown, ...silent, ...stale])]);
  for (const task of tasks) await reconcile(task);
  for (const arn of missing) {
    const row = known.get(arn);
    if (row?.instance) await endMissing(row, row.instance, arn);
  }
}

/** Tasks that nobody can reach yet: the event that they wait for may be lost. */
function staleTasks({ instance }: WorkspaceRow): string[] {
  if (!instance) return [];
  return livingTasks(instance)
    .map(([arn]) => arn)
    .filter((arn) => instance.addresses[arn] === undefined);
}

async function reconcile({ fact, startedBy = "" }: DescribedTask): Promise<void> {
  const run = parseInstanceId(startedBy);
  // Somebody else's, in our cluster: not ours to end.
  if (!run) return;
  const row = await adoptTasks(run.workspaceId, startedBy, [fact]);
  if (row) return askDriver(run.workspaceId);
  if (fact.stopWanted) return;
  log.warn("A task of a workspace that is gone is stopped.", { instanceId: startedBy, task: fact.arn });
  await stopTask(fact.arn, "atelier: its workspace is gone");
}

async function endMissing(
  row: WorkspaceRow,
  instance: NonNullable<WorkspaceRow["instance"]>,
  arn: string,
): Promise<void> {
  const at = clock.now();
  if (!isOlderThanGrace(instance, arn, at)) return;
  log.warn("A task is gone, and nobody said why.", { instanceId: instance.id, task: arn });
  const task = { arn, version: 0, status: "STOPPED" as const, stopWanted: true, at };
  await joinFacts(row.id, instance.id, [
    { kind: "task", task },
    { kind: "gone", at, reason: GONE },
  ]);
  await askDriver(row.id);
}
