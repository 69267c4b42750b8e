/** ECS said something of a task. It may say it twice, late, in any order, and before RunTask has answered. */
import type { EventBridgeEvent } from "#functions/runtime/aws-events.ts";
import { clock } from "#functions/runtime/clock.ts";
import { addLogFields, log } from "#functions/runtime/log.ts";
import { onBus } from "#functions/runtime/middleware.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { adoptTasks } from "./adopt-task.ts";
import type { Fact } from "./facts.ts";
import { publicNameOf } from "./network-store.ts";
import { nextStep } from "./next-step.ts";
import { freeSlot } from "./slot-store.ts";
import { type EcsTask, type TaskFact, taskFactOf } from "./task-facts.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { getWorkspace } from "./workspace-store.ts";

export const handler = onBus(
  { env: ["TABLE_NAME", "QUEUE_URL", "DASHBOARD_ORIGIN", "WORKSPACE_HOST_SUFFIX"] },
  (event: EventBridgeEvent<string, EcsTask>) => onTaskChange(event.detail),
);

export async function onTaskChange(detail: EcsTask): Promise<void> {
  const now = clock.now();
  const run = parseInstanceId(detail.startedBy ?? "");
  const task = taskFactOf(detail, now);
  if (!run || !task) {
    log.info("A task that is not ours, or a status that we do not know.", {
      task: detail.taskArn,
      startedBy: detail.startedBy,
      status: detail.lastStatus,
    });
    return;
  }
  const instanceId = detail.startedBy as string;
  addLogFields({ instanceId });
  const row = await getWorkspace(run.workspaceId);
  const others = row?.instance?.id === instanceId ? await accompanying(row, instanceId, task, now) : [];
  const after = row && (await adoptTasks(run.workspaceId, instanceId, [task], others, row));
  if (needsDriver(after, task)) {
    const step = after && nextStep(after, clock.now());
    await askDriver(run.workspaceId, step?.kind === "find-address" ? 1 : 0);
  }
}

/** What follows from the message and is written together with it. */
async function accompanying(row: WorkspaceRow, instanceId: string, task: TaskFact, now: number): Promise<Fact[]> {
  if (task.status === "STOPPED" && row.instance?.slotFreedAt === undefined) {
    // Before the row says so: a torn write leaves a free slot for a task that has ended, never a taken one.
    await freeSlot(row.ownerId, instanceId);
    return [{ kind: "slot-freed", at: now }];
  }
  if (task.status !== "RUNNING" || !task.networkInterfaceId || row.instance?.addresses[task.arn]) return [];
  const publicName = await publicNameOf(task.networkInterfaceId);
  return publicName ? [{ kind: "address", taskArn: task.arn, publicName, at: clock.now() }] : [];
}

/** The driver acts: it stops what nobody wants, and goes on with what waited for this. */
function needsDriver(row: WorkspaceRow | undefined, task: TaskFact): boolean {
  if (!row) return task.status !== "STOPPED" && !task.stopWanted;
  const { kind } = nextStep(row, clock.now());
  return kind !== "nothing" && kind !== "wait";
}
