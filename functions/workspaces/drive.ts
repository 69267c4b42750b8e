/**
 * The driver: takes steps for one workspace until there is nothing to do now. It may run twice at once, and be killed
 * anywhere: each step can be taken again, and what is next is always read from the row.
 */
import { clock } from "#functions/runtime/clock.ts";
import { addLogFields, log } from "#functions/runtime/log.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { randomBytes } from "#functions/runtime/random.ts";
import { isFromCloud, kindOfError } from "./cloud-error.ts";
import { nextStep, type Step } from "./next-step.ts";
import { takeStep } from "./take-step.ts";
import { listTasks, stopTask } from "./task-store.ts";
import { familyOf } from "./volume-store.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { getWorkspace } from "./workspace-store.ts";

/** A start takes 5 steps, a deletion 4. More than this is a circle. */
const MAX_STEPS = 40;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

export async function drive(workspaceId: string): Promise<void> {
  const looked = new Set<Step["kind"]>();
  let known: WorkspaceRow | undefined;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    // What a step has just written is as good as what would be read: whoever changes it meanwhile asks the driver as well.
    const row = known ?? (await getWorkspace(workspaceId));
    if (!row) return stopLeftovers(workspaceId);
    known = undefined;
    const now = clock.now();
    const step = nextStep(row, now, looked);
    if (step.kind === "nothing") return;
    if (step.kind === "wait") return askDriver(workspaceId, (step.until - now) / 1_000);
    addLogFields({ instanceId: row.instance?.id });
    log.debug("Taking a step.", { step: step.kind });
    looked.add(step.kind);
    try {
      const outcome = await takeStep(row, step);
      if (typeof outcome === "number") return askDriver(workspaceId, (outcome - clock.now()) / 1_000);
      if (outcome === "later") return askDriver(workspaceId, retryDelay(waitingSince(row, now), now));
      if (outcome !== "done" && outcome !== row) known = outcome;
    } catch (error) {
      if (!isFromCloud(error) || kindOfError(error) === "permanent") throw error;
      log.warn("A step waits for AWS.", { step: step.kind, error });
      return askDriver(workspaceId, retryDelay(waitingSince(row, now), now));
    }
  }
  log.error("The driver goes in a circle; it looks again in a minute.", { workspaceId });
  return askDriver(workspaceId, 60);
}

/** Since its turn, where it has taken one. */
function waitingSince({ instance }: WorkspaceRow, now: number): number {
  if (!instance) return now;
  return Math.max(instance.requestedAt, instance.stop?.at ?? 0, Math.min(now, instance.waiting?.retryAt ?? 0));
}

/** Seconds: the longer it waits already, the more rarely; jittered, so that thousands do not come at the same moment. */
function retryDelay(since: number, now: number): number {
  const base = Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, (now - since) / 4));
  return (base * (0.5 + (randomBytes(1)[0] ?? 0) / 256)) / 1_000;
}

/** The row is gone, so nobody wants what still runs for it. */
async function stopLeftovers(workspaceId: string): Promise<void> {
  for (const arn of await listTasks({ family: familyOf(workspaceId) })) {
    log.warn("A task of a workspace that is gone is stopped.", { workspaceId, task: arn });
    await stopTask(arn, "atelier: its workspace is gone");
  }
}
