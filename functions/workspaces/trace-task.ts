/** Where the time of a task goes: our attempts to run it, and ECS's statuses. Pure. Were there two tasks, the first that came so far counts. */
import type { Instance } from "./facts.ts";
import { least, optional } from "./order.ts";
import { rankOf, TASK_STATUSES, type TaskState, type TaskStatus } from "./task-facts.ts";
import type { SpanState } from "./trace.ts";

const STARTING = [
  ["PROVISIONING", "provisioning"],
  ["PENDING", "pending"],
  ["ACTIVATING", "activating"],
] as const;

const ENDING = [
  ["DEACTIVATING", "deactivating"],
  ["STOPPING", "ending"],
  ["DEPROVISIONING", "deprovisioning"],
] as const;

/** When a task was first in this status. */
export function seenAt(instance: Instance, status: TaskStatus): number | undefined {
  return least(
    ...Object.values(instance.tasks)
      .filter((task) => rankOf(task.status) >= rankOf(status))
      .flatMap((task) => [task.seenAt[status], alsoSaid(task, status)]),
  );
}

function alsoSaid(task: TaskState, status: TaskStatus): number | undefined {
  if (status === "PROVISIONING") return task.createdAt;
  if (status === "RUNNING") return task.startedAt;
  return status === "STOPPED" ? task.stoppedAt : undefined;
}

export function childrenOfTask(instance: Instance): SpanState[] {
  const children = [
    ...attempts(instance),
    ...STARTING.flatMap(([status, name]) => [
      ...statusSpan(instance, status, name, "task", nextSeenAt(instance, status, "RUNNING")),
      ...(status === "PENDING" ? pull(instance) : []),
    ]),
  ];
  return children;
}

export function childrenOfStopping(instance: Instance, stoppedAt: number | undefined): SpanState[] {
  return ENDING.flatMap(([status, name]) => {
    const next = nextSeenAt(instance, status, "STOPPED") ?? stoppedAt;
    return statusSpan(instance, status, name, "stopping", next);
  });
}

/** When it was first seen in a later status, up to `last`. Events are lost now and then, so that it need not be the next. */
function nextSeenAt(instance: Instance, status: TaskStatus, last: TaskStatus): number | undefined {
  const later = TASK_STATUSES.slice(rankOf(status) + 1, rankOf(last) + 1);
  return least(...later.map((next) => seenAt(instance, next)));
}

function statusSpan(
  instance: Instance,
  status: TaskStatus,
  name: SpanState["name"],
  parent: SpanState["name"],
  next: number | undefined,
): SpanState[] {
  const startedAt = seenAt(instance, status);
  if (startedAt === undefined) return [];
  if (next === undefined) return [{ name, parent, state: "active", startedAt }];
  return [{ name, parent, state: "done", startedAt, endedAt: Math.max(next, startedAt) }];
}

function pull(instance: Instance): SpanState[] {
  const tasks = Object.values(instance.tasks);
  const startedAt = least(...tasks.map((task) => task.pullStartedAt));
  if (startedAt === undefined) return [];
  const span = { name: "pull" as const, parent: "task" as const, startedAt };
  const over = least(...tasks.map((task) => task.pullStoppedAt)) ?? nextSeenAt(instance, "PENDING", "RUNNING");
  if (over === undefined) return [{ ...span, state: "active" }];
  return [{ ...span, state: "done", endedAt: Math.max(over, startedAt) }];
}

function attempts(instance: Instance): SpanState[] {
  const known = Object.entries(instance.attempts ?? {})
    .flatMap(([number, { at, ...answer }]) => (at === undefined ? [] : [{ number: Number(number), at, ...answer }]))
    .sort((a, b) => a.number - b.number);
  const taskAt = least(...TASK_STATUSES.map((status) => seenAt(instance, status)));
  return known.map(({ number, at, refusedAt, said }, index): SpanState => {
    const span = {
      name: `attempt-${number}` as const,
      parent: "task" as const,
      startedAt: at,
      ...optional("detail", said?.note),
    };
    if (number <= instance.refused) {
      return { ...span, state: "refused", endedAt: Math.max(refusedAt ?? known[index + 1]?.at ?? at, at) };
    }
    return taskAt === undefined
      ? { ...span, state: "active" }
      : { ...span, state: "done", endedAt: Math.max(taskAt, at) };
  });
}
