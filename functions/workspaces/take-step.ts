/** How each of the driver's steps is taken. What comes of it is written down; the driver then looks at the row again. */
import { launchTicket } from "#functions/instances/launch-ticket.ts";
import { clock } from "#functions/runtime/clock.ts";
import { deriveKey } from "#functions/runtime/keys.ts";
import { activityFact } from "./activity.ts";
import { adoptTasks } from "./adopt-task.ts";
import { isFromCloud, kindOfError } from "./cloud-error.ts";
import { TASK_GRACE_MS } from "./deadlines.ts";
import { type Fact, type Instance, join } from "./facts.ts";
import { getHeartbeat } from "./heartbeat-store.ts";
import { makeVolume } from "./make-volume.ts";
import { publicNameOf } from "./network-store.ts";
import { nextStep, type Step } from "./next-step.ts";
import { least } from "./order.ts";
import { livingTasks } from "./phase.ts";
import { retireVolume } from "./retire-volume.ts";
import { freeSlot } from "./slot-store.ts";
import type { TaskFact } from "./task-facts.ts";
import { runParameters } from "./task-parameters.ts";
import { describeTasks, listTasks, runTask, stopTask } from "./task-store.ts";
import { waitOf } from "./turn-store.ts";
import { hasTurn, lineOf } from "./turns.ts";
import { joinFacts, updateWorkspace } from "./update-workspace.ts";
import { waitForTurn } from "./wait-for-turn.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/**
 * The row as the step has left it, or `done` when it has to be read again. `later`: nothing more can be done now, and nobody will
 * tell when it can. An instant (milliseconds since 1970): not before then.
 */
export type Outcome = WorkspaceRow | "done" | "later" | number;

export async function takeStep(row: WorkspaceRow, step: Step): Promise<Outcome> {
  const { instance } = row;
  if (step.kind === "stop-stray") return stopStray(row, step.taskArn);
  if (step.kind === "retire-volume") return retireVolume(row);
  if (!instance) return "done";
  const line = lineOf(step);
  // Others wait already: one more call would be throttled, or go before them.
  if (line && waitOf(line) > 0 && !hasTurn(instance, line, clock.now())) return waitForTurn(row, instance, line);
  switch (step.kind) {
    case "record":
      return record(row, instance, step.fact);
    case "make-volume":
      return makeVolume(row, instance);
    case "run-task":
      return startTask(row, instance, step.attempt);
    case "find-task":
      return findTask(row, instance);
    case "find-address": {
      const publicName = await publicNameOf(step.networkInterfaceId);
      if (!publicName) return "done";
      return write(row, instance, { kind: "address", taskArn: step.taskArn, publicName, at: clock.now() });
    }
    case "stop-task":
      return endTask(row, instance, step.taskArn, step.reason);
    case "check-activity":
      return write(row, instance, activityFact(instance, await getHeartbeat(row.id), clock.now()));
    case "release-slot":
      await freeSlot(row.ownerId, instance.id);
      return write(row, instance, { kind: "slot-freed", at: clock.now() });
    default:
      return "done";
  }
}

/** Only while it is still the step to take: meanwhile somebody may have asked for the end, or another driver was here. */
async function record(row: WorkspaceRow, instance: Instance, fact: Fact): Promise<Outcome> {
  const recordIfDue = (current: WorkspaceRow) => {
    if (current.instance?.id !== instance.id) return undefined;
    const due = nextStep(current, clock.now(), new Set(["find-task"]));
    if (due.kind !== "record" || due.fact.kind !== fact.kind) return undefined;
    return { ...current, instance: join(current.instance, fact) };
  };
  return (await updateWorkspace(row.id, recordIfDue, row)) ?? "done";
}

async function startTask(row: WorkspaceRow, instance: Instance, attempt: number): Promise<Outcome> {
  const { taskDefinitionArn } = row.volume;
  if (!taskDefinitionArn) return "done";
  const ticket = launchTicket(await deriveKey("atelier/launch"), instance.id, attempt);
  const outcome = await runTask(runParameters(instance, taskDefinitionArn, attempt, ticket));
  const at = clock.now();
  switch (outcome.kind) {
    case "started": {
      const after = await adoptTasks(row.id, instance.id, outcome.tasks);
      if (after) return after;
      for (const { arn } of outcome.tasks) await stopTask(arn, "atelier: its workspace is gone");
      return "done";
    }
    case "waiting": {
      if (outcome.isThrottled) return waitForTurn(row, instance, "run-task");
      const { note } = outcome;
      const facts: Fact[] = outcome.isAnswer ? [{ kind: "refused", number: attempt, at, note }] : [];
      // Said once: a write for each try would only make noise.
      if (instance.waiting?.note !== note) {
        facts.push({ kind: "waiting", at, note, retryAt: at, attempt });
      }
      await joinFacts(row.id, instance.id, facts);
      return "later";
    }
    case "refused":
      return write(
        row,
        instance,
        { kind: "refused", number: attempt, at, note: outcome.message },
        { kind: "failure", at, message: outcome.message },
      );
  }
}

async function findTask(row: WorkspaceRow, instance: Instance): Promise<Outcome> {
  const known = livingTasks(instance).map(([arn]) => arn);
  const arns = known.length > 0 ? known : await listTasks({ startedBy: instance.id });
  const { tasks, missing } = await describeTasks(arns);
  const now = clock.now();
  const gone = missing.filter((arn) => isOlderThanGrace(instance, arn, now));
  const facts: Fact[] = gone.length > 0 ? [{ kind: "gone", at: now, reason: GONE }] : [];
  const found = tasks.map(({ fact }) => fact);
  return (await adoptTasks(row.id, instance.id, found, facts, row)) ?? "done";
}

/** Shown when ECS knows nothing of a task any more that it had started. */
export const GONE = "Its machine is gone, and nobody said why. The files are kept; start it again.";

export function isOlderThanGrace(instance: Instance, arn: string, now: number): boolean {
  const task = instance.tasks[arn];
  const since = least(task?.createdAt, ...Object.values(task?.seenAt ?? {})) ?? instance.requestedAt;
  return now - since >= TASK_GRACE_MS;
}

async function endTask(row: WorkspaceRow, instance: Instance, arn: string, reason: string): Promise<Outcome> {
  let task: TaskFact | undefined;
  try {
    task = await stopTask(arn, reason);
  } catch (error) {
    if (!isFromCloud(error) || kindOfError(error) !== "waiting") throw error;
    return waitForTurn(row, instance, "stop-task");
  }
  const at = clock.now();
  if (task) return write(row, instance, { kind: "task", task: { ...task, stopWanted: true } });
  // ECS does not know it. Either it is long gone, or so new that not all of ECS has heard of it.
  if (!isOlderThanGrace(instance, arn, at)) return "later";
  const ended = { arn, version: 0, status: "STOPPED" as const, stopWanted: true, at };
  return write(row, instance, { kind: "task", task: ended }, { kind: "gone", at, reason: GONE });
}

async function stopStray(row: WorkspaceRow, arn: string): Promise<Outcome> {
  await stopTask(arn, "atelier: no run wants it");
  await updateWorkspace(row.id, ({ strays = [], ...rest }) => {
    const left = strays.filter((stray) => stray !== arn);
    return left.length > 0 ? { ...rest, strays: left } : rest;
  });
  return "done";
}

async function write(row: WorkspaceRow, instance: Instance, ...facts: Fact[]): Promise<Outcome> {
  return (await joinFacts(row.id, instance.id, facts, row)) ?? "done";
}
