/**
 * From the facts of an instance to what people are told: phase, deadline, stages and trace. Pure.
 *
 * A fact can only raise the phase's rank, since the facts only grow; so whatever the order of events, a phase never goes back.
 */
import { PHASES, type Phase } from "#protocol/workspace.ts";
import { type Conditions, conditionsOf } from "./conditions.ts";
import {
  CREATING_MS,
  IDLE_MS,
  INITIALIZING_MS,
  LIFETIME_MS,
  PENDING_MS,
  PREPARING_MS,
  STOPPING_MS,
} from "./deadlines.ts";
import type { Instance } from "./facts.ts";
import { least, optional } from "./order.ts";
import { type StageState, stagesOf } from "./stages.ts";
import { hasStopped, rankOf, type TaskState, type TaskStatus } from "./task-facts.ts";
import { type MarkState, marksOf, type SpanState, spansOf } from "./trace.ts";
import { turnIn } from "./turns.ts";

export interface Derived {
  phase: Phase;
  conditions: Conditions;
  stages: StageState[];
  /** Where the time goes; the stages are a view of it. */
  spans: SpanState[];
  marks: MarkState[];
  /** Until when it may be in this phase; absent only when it has stopped. */
  deadlineAt?: number;
  /** When the IDE answered first. */
  startedAt?: number;
  stoppedAt?: number;
}

export function derive(instance: Instance): Derived {
  const phase = phaseOf(instance);
  const conditions = conditionsOf(instance);
  const enteredAt = entryOf(instance, phase);
  const isEnding = phase === "stopping" || phase === "stopped";
  const course = {
    phase,
    conditions,
    ...optional("stoppingSince", stoppingSince(instance)),
    ...(phase === "stopped" ? { stoppedAt: enteredAt } : {}),
  };
  const spans = spansOf(instance, course);
  const stages = stagesOf(spans, instance, isEnding);
  const derived: Derived = { phase, conditions, stages, spans, marks: marksOf(instance, course) };
  const deadlineAt = deadlineOf(instance, phase, enteredAt);
  if (deadlineAt !== undefined) derived.deadlineAt = deadlineAt;
  if (instance.readyAt !== undefined) derived.startedAt = instance.readyAt;
  if (phase === "stopped") derived.stoppedAt = enteredAt;
  return derived;
}

export function phaseOf(instance: Instance): Phase {
  const tasks = tasksOf(instance);
  if (instance.gone || tasks.some(hasStopped)) return "stopped";
  if (instance.stop || instance.failure || tasks.some((task) => task.stopWanted)) return "stopping";
  // It runs when the IDE answered and people can reach it: ECS does not say the task's name, EC2 does, a moment later.
  if (instance.readyAt !== undefined && Object.keys(instance.addresses).length > 0) return "running";
  if (instance.helloAt !== undefined || instance.report || reached(tasks, "RUNNING")) return "initializing";
  if (reached(tasks, "PENDING") || tasks.some((task) => task.pullStartedAt !== undefined)) return "creating";
  return tasks.length > 0 ? "pending" : "preparing";
}

export function hasEnded(instance: Instance): boolean {
  return phaseOf(instance) === "stopped";
}

/** Whether `phase` comes after `other`, in the only order there is. */
export function isLater(phase: Phase, other: Phase): boolean {
  return PHASES.indexOf(phase) > PHASES.indexOf(other);
}

/** Since when it is to end, of whatever cause. */
export function stoppingSince(instance: Instance): number | undefined {
  const tasks = tasksOf(instance);
  return least(instance.stop?.at, instance.failure?.at, ...tasks.map((task) => task.stoppingAt));
}

/** Tasks that live, or may, with their ARNs; the first is the one that counts. */
export function livingTasks(instance: Instance): [string, TaskState][] {
  return Object.entries(instance.tasks)
    .filter(([, task]) => !hasStopped(task))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function tasksOf(instance: Instance): TaskState[] {
  return Object.values(instance.tasks);
}

function reached(tasks: TaskState[], status: TaskStatus): boolean {
  return tasks.some((task) => rankOf(task.status) >= rankOf(status));
}

function firstSeen(tasks: TaskState[], status: TaskStatus): number | undefined {
  const times = tasks.flatMap((task) =>
    Object.entries(task.seenAt).map(([seen, at]) => (rankOf(seen as TaskStatus) >= rankOf(status) ? at : undefined)),
  );
  return least(...times);
}

/** When it came into its phase, as far as the facts say. */
function entryOf(instance: Instance, phase: Phase): number {
  const tasks = tasksOf(instance);
  const times: Record<Phase, (number | undefined)[]> = {
    preparing: [],
    building: [],
    pending: [firstSeen(tasks, "PROVISIONING"), ...tasks.map((task) => task.createdAt)],
    creating: [firstSeen(tasks, "PENDING"), ...tasks.map((task) => task.pullStartedAt)],
    initializing: [firstSeen(tasks, "RUNNING"), instance.helloAt, ...tasks.map((task) => task.startedAt)],
    running: [instance.readyAt],
    stopping: [stoppingSince(instance)],
    stopped: [instance.gone?.at, firstSeen(tasks, "STOPPED"), ...tasks.map((task) => task.stoppedAt)],
  };
  return least(...times[phase]) ?? instance.requestedAt;
}

function deadlineOf(instance: Instance, phase: Phase, enteredAt: number): number | undefined {
  switch (phase) {
    case "preparing":
    case "building":
      // A known turn is no reason to give up before it.
      return Math.max(enteredAt, turnIn(instance, "run-task", "make-volume")) + PREPARING_MS;
    case "pending":
      return enteredAt + PENDING_MS;
    case "creating":
      return enteredAt + CREATING_MS;
    case "initializing":
      return enteredAt + INITIALIZING_MS;
    case "running":
      return Math.min(enteredAt + LIFETIME_MS, Math.max(enteredAt, instance.activeAt ?? 0) + IDLE_MS);
    case "stopping":
      return Math.max(enteredAt, turnIn(instance, "stop-task")) + STOPPING_MS;
    case "stopped":
      return undefined;
  }
}
