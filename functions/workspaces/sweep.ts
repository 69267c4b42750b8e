/**
 * Each minute: finds what was torn or lost, and asks the driver to repair it. Two writes can always be torn, events can be
 * lost, and every phase has a deadline.
 */
import { clock } from "#functions/runtime/clock.ts";
import { log } from "#functions/runtime/log.ts";
import { onSchedule } from "#functions/runtime/middleware.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { FORGOTTEN_MS } from "./deadlines.ts";
import { nextStep } from "./next-step.ts";
import { sweepSlots } from "./sweep-slots.ts";
import { sweepTasks } from "./sweep-tasks.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { listActiveWorkspaces } from "./workspace-store.ts";

export const handler = onSchedule(
  { env: ["TABLE_NAME", "QUEUE_URL", "CLUSTER_ARN", "DASHBOARD_ORIGIN", "WORKSPACE_HOST_SUFFIX"] },
  sweep,
);

export async function sweep(): Promise<void> {
  const rows = await listActiveWorkspaces();
  const work = [sweepRows(rows), sweepSlots(), sweepTasks(rows)];
  // One that fails (ECS throttles) must not keep the others from their part.
  const failures = (await Promise.allSettled(work)).filter((result) => result.status === "rejected");
  for (const { reason } of failures)
    log.error("A part of the sweep failed; the next one comes in a minute.", { error: reason });
}

async function sweepRows(rows: readonly WorkspaceRow[]): Promise<void> {
  const now = clock.now();
  for (const row of rows) {
    const { kind } = nextStep(row, now);
    // A wait has its message on the way, and that may be lost; a message too many does no harm, but one each minute would.
    const isDue = kind !== "nothing" && (kind !== "wait" || row.deleted !== undefined || isEnding(row));
    const begunAt = row.instance?.requestedAt ?? 0;
    if (isDue && now - begunAt >= FORGOTTEN_MS) await askDriver(row.id);
  }
}

function isEnding(row: WorkspaceRow): boolean {
  return row.instance?.stop !== undefined || row.instance?.failure !== undefined;
}
