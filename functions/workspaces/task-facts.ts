/** What ECS says of a task: in its events, and in its answers, which have the same shape but for dates. Pure. */
import { compare, greatest, least, optional } from "./order.ts";

/** Statuses in the only order in which a task passes through them (it may skip some). */
export const TASK_STATUSES = [
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
  "DELETED",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Why a task ended, in AWS's words. */
export interface TaskEnd {
  /** `stopCode`: `UserInitiated`, `EssentialContainerExited`, `SpotInterruption` ... */
  code: string;
  reason: string;
  exitCode?: number;
  /** Of the container: `OutOfMemoryError: ...`. */
  containerReason?: string;
}

interface TaskTimes {
  createdAt?: number;
  pullStartedAt?: number;
  pullStoppedAt?: number;
  startedAt?: number;
  stoppingAt?: number;
  stoppedAt?: number;
}

/** One message about a task. */
export interface TaskFact extends TaskTimes {
  arn: string;
  /** ECS counts it up with every change of the task. */
  version: number;
  status: TaskStatus;
  /** ECS is asked to end it (`desiredStatus` STOPPED). */
  stopWanted: boolean;
  /** When ECS changed it to this. */
  at: number;
  end?: TaskEnd;
  networkInterfaceId?: string;
}

/** All that was said of a task, joined. */
export interface TaskState extends TaskTimes {
  version: number;
  status: TaskStatus;
  stopWanted: boolean;
  /** When it was first seen in each status. */
  seenAt: Partial<Record<TaskStatus, number>>;
  end?: TaskEnd & { version: number };
  networkInterfaceId?: string;
}

const TIMES = ["createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "stoppedAt"] as const;

export function rankOf(status: TaskStatus): number {
  return TASK_STATUSES.indexOf(status);
}

/** No part of it is left, by what ECS says. */
export function hasStopped(task: TaskState): boolean {
  return rankOf(task.status) >= rankOf("STOPPED");
}

/** Each part has an order of its own, so that an older or a repeated message changes nothing. */
export function joinTask(known: TaskState | undefined, fact: TaskFact): TaskState {
  const furthest = known && rankOf(known.status) >= rankOf(fact.status) ? known.status : fact.status;
  const end = fact.end && { ...fact.end, version: fact.version };
  const joined: TaskState = {
    version: Math.max(known?.version ?? 0, fact.version),
    status: furthest,
    stopWanted: (known?.stopWanted ?? false) || fact.stopWanted,
    seenAt: { ...known?.seenAt, [fact.status]: least(known?.seenAt[fact.status], fact.at) },
    ...optional("end", end ? greatest(known?.end, end, (one) => one.version) : known?.end),
    ...optional("networkInterfaceId", lesser(known?.networkInterfaceId, fact.networkInterfaceId)),
  };
  for (const name of TIMES) {
    // When ECS first wanted its end is known from the message even if `stoppingAt` is not in it.
    const said = name === "stoppingAt" && fact.stopWanted ? (fact.stoppingAt ?? fact.at) : fact[name];
    const time = least(known?.[name], said);
    if (time !== undefined) joined[name] = time;
  }
  return joined;
}

function lesser(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compare(a, b) <= 0 ? a : b;
}

/** A task as ECS gives it: instants are ISO 8601 in events and `Date` in answers. Only what we read. */
export interface EcsTask {
  taskArn?: string | undefined;
  version?: number | undefined;
  lastStatus?: string | undefined;
  desiredStatus?: string | undefined;
  startedBy?: string | undefined;
  updatedAt?: string | Date | undefined;
  createdAt?: string | Date | undefined;
  pullStartedAt?: string | Date | undefined;
  pullStoppedAt?: string | Date | undefined;
  startedAt?: string | Date | undefined;
  stoppingAt?: string | Date | undefined;
  stoppedAt?: string | Date | undefined;
  stopCode?: string | undefined;
  stoppedReason?: string | undefined;
  containers?: { name?: string | undefined; exitCode?: number | undefined; reason?: string | undefined }[] | undefined;
  attachments?:
    | { type?: string | undefined; details?: { name?: string | undefined; value?: string | undefined }[] | undefined }[]
    | undefined;
}

/**
 * @param at when it was said, for messages that do not say it themselves
 * @returns `undefined` for what is no task, or has a status that this version does not know
 */
export function taskFactOf(task: EcsTask, at: number): TaskFact | undefined {
  const status = TASK_STATUSES.find((known) => known === task.lastStatus);
  if (!task.taskArn || !status) return undefined;
  const fact: TaskFact = {
    arn: task.taskArn,
    version: task.version ?? 0,
    status,
    stopWanted: task.desiredStatus === "STOPPED" || rankOf(status) > rankOf("RUNNING"),
    at: instantOf(task.updatedAt) ?? at,
    ...optional("end", endOf(task)),
    ...optional("networkInterfaceId", networkInterfaceOf(task)),
  };
  for (const name of TIMES) {
    const time = instantOf(task[name]);
    if (time !== undefined) fact[name] = time;
  }
  return fact;
}

function endOf(task: EcsTask): TaskEnd | undefined {
  if (!task.stopCode && !task.stoppedReason) return undefined;
  const container = task.containers?.find(({ name }) => name === "workspace") ?? task.containers?.[0];
  return {
    code: task.stopCode ?? "",
    reason: task.stoppedReason ?? "",
    ...optional("exitCode", container?.exitCode),
    ...optional("containerReason", container?.reason),
  };
}

function networkInterfaceOf(task: EcsTask): string | undefined {
  const details = (task.attachments ?? []).flatMap((attachment) => attachment.details ?? []);
  return details.find(({ name }) => name === "networkInterfaceId")?.value;
}

function instantOf(value: string | Date | undefined): number | undefined {
  if (value === undefined) return undefined;
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? undefined : time;
}
