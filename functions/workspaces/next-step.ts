/**
 * What the driver does next for a workspace: a pure function of its row, the time, and what this invocation did already.
 * The driver takes the step, writes what came of it, reads the row again and asks again, until there is nothing to do.
 */
import { STOP_CHECK_MS, TASK_GRACE_MS } from "./deadlines.ts";
import type { Fact, Instance } from "./facts.ts";
import { derive, livingTasks, stoppingSince } from "./phase.ts";
import { turnIn } from "./turns.ts";
import { isComplete } from "./volume-state.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

export type Step =
  /** Writes a fact that follows from the row and the time alone. */
  | { kind: "record"; fact: Fact }
  | { kind: "make-volume" }
  | { kind: "run-task"; attempt: number }
  /** Asks ECS what it knows. */
  | { kind: "find-task" }
  | { kind: "find-address"; taskArn: string; networkInterfaceId: string }
  | { kind: "stop-task"; taskArn: string; reason: string }
  | { kind: "stop-stray"; taskArn: string }
  /** Looks at the heartbeat: still used, idle, or at the end of its life? */
  | { kind: "check-activity" }
  | { kind: "release-slot" }
  | { kind: "retire-volume" }
  | { kind: "wait"; until: number }
  | { kind: "nothing" };

const NOTHING: Step = { kind: "nothing" };

/** @param looked steps of asking kind that this invocation has taken: their answer is in the row */
export function nextStep(row: WorkspaceRow, now: number, looked: ReadonlySet<Step["kind"]> = new Set()): Step {
  const stray = row.strays?.[0];
  if (stray !== undefined) return { kind: "stop-stray", taskArn: stray };
  const { instance } = row;
  if (!instance) return row.deleted ? { kind: "retire-volume" } : NOTHING;
  const { phase, deadlineAt = Number.POSITIVE_INFINITY } = derive(instance);
  switch (phase) {
    case "stopped":
      return afterwards(row, instance);
    case "stopping":
      return ending(instance, now, deadlineAt, looked);
    case "running":
      if (now >= deadlineAt && !looked.has("check-activity")) return { kind: "check-activity" };
      break;
    case "preparing":
    case "building":
      return now >= deadlineAt ? timedOut(phase, now) : starting(row, instance, now, deadlineAt);
    default:
      if (now >= deadlineAt) return timedOut(phase, now);
  }
  return surplusTask(instance) ?? addressless(instance, now, looked) ?? NOTHING;
}

function starting(row: WorkspaceRow, instance: Instance, now: number, deadlineAt: number): Step {
  const retryAt = instance.waiting?.retryAt ?? 0;
  if (retryAt > now) return { kind: "wait", until: Math.min(retryAt, deadlineAt) };
  if (!isComplete(row.volume)) return { kind: "make-volume" };
  const begun = instance.attempt?.number ?? 0;
  if (begun > instance.refused) return { kind: "run-task", attempt: begun };
  return { kind: "record", fact: { kind: "attempt", number: instance.refused + 1, at: now } };
}

/** Two tasks for one run cannot be, by the client token; were it so, the one that does not count is ended. */
function surplusTask(instance: Instance): Step | undefined {
  const surplus = livingTasks(instance)
    .slice(1)
    .find(([, task]) => !task.stopWanted);
  return surplus && { kind: "stop-task", taskArn: surplus[0], reason: "A second task of the same run." };
}

/** EC2 knows the public name of a task a moment after ECS says that it runs. */
function addressless(instance: Instance, now: number, looked: ReadonlySet<Step["kind"]>): Step | undefined {
  const task = livingTasks(instance).find(
    ([arn, { status, networkInterfaceId }]) =>
      status === "RUNNING" && networkInterfaceId !== undefined && instance.addresses[arn] === undefined,
  );
  if (!task) return undefined;
  const [taskArn, { networkInterfaceId = "", startedAt, seenAt }] = task;
  if (!looked.has("find-address")) return { kind: "find-address", taskArn, networkInterfaceId };
  const since = now - (startedAt ?? seenAt.RUNNING ?? now);
  return { kind: "wait", until: now + Math.min(15_000, Math.max(1_000, since)) };
}

function ending(instance: Instance, now: number, deadlineAt: number, looked: ReadonlySet<Step["kind"]>): Step {
  const living = livingTasks(instance);
  if (living.length === 0) return endingWithoutTask(instance, now, looked);
  const unasked = living.find(([, task]) => !task.stopWanted);
  const turn = turnIn(instance, "stop-task");
  if (unasked && turn > now) return { kind: "wait", until: turn };
  if (unasked) return { kind: "stop-task", taskArn: unasked[0], reason: stopReason(instance) };
  // Before its turn nobody had asked for its end.
  const since = Math.max(stoppingSince(instance) ?? now, turn);
  if (now - since >= STOP_CHECK_MS && !looked.has("find-task")) return { kind: "find-task" };
  if (now >= deadlineAt) {
    return gone(now, "The machine did not say within 3 minutes that it ended.");
  }
  return { kind: "wait", until: Math.min(deadlineAt, now + STOP_CHECK_MS) };
}

/** An attempt of which no answer is known may have started a task; ECS knows of it after a while. */
function endingWithoutTask(instance: Instance, now: number, looked: ReadonlySet<Step["kind"]>): Step {
  const { attempt, refused } = instance;
  if (!attempt || attempt.number <= refused) return gone(now, "Nothing was started.");
  if (!looked.has("find-task")) return { kind: "find-task" };
  const until = attempt.at + TASK_GRACE_MS;
  return now >= until
    ? gone(now, "No machine was found for it.")
    : { kind: "wait", until: Math.min(until, now + 5_000) };
}

function afterwards(row: WorkspaceRow, instance: Instance): Step {
  const unasked = livingTasks(instance).find(([, task]) => !task.stopWanted);
  if (unasked) return { kind: "stop-task", taskArn: unasked[0], reason: stopReason(instance) };
  if (instance.slotFreedAt === undefined) return { kind: "release-slot" };
  return row.deleted ? { kind: "retire-volume" } : NOTHING;
}

function gone(at: number, reason: string): Step {
  return { kind: "record", fact: { kind: "gone", at, reason } };
}

const TOO_SLOW = {
  preparing: "No machine was free within 10 minutes. Start it again, or choose another class.",
  building: "Its image was not built within 10 minutes. Start it again.",
  pending: "The machine did not come up within 10 minutes. Start it again.",
  creating: "The container was not made within 10 minutes. Start it again.",
  initializing: "The repository and the editor were not ready within 30 minutes. Look at the log, then start it again.",
} as const;

function timedOut(phase: keyof typeof TOO_SLOW | "running", at: number): Step {
  if (phase === "running") return NOTHING;
  return { kind: "record", fact: { kind: "stop", at, by: "deadline", reason: TOO_SLOW[phase] } };
}

/** Shows in ECS's `stoppedReason`, which takes 255 characters. */
function stopReason({ stop, failure }: Instance): string {
  return `atelier: ${stop?.by ?? (failure ? "failed" : "not wanted")}`;
}
