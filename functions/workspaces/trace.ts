/**
 * Where the time of a run goes, from its facts. Pure. The stages of a start that people follow (`stages.ts`) are a view of it.
 * Spans of a start come in its order; none is before the one before it, as far as they follow each other.
 */
import type { StepFact } from "#protocol/methods/instance.ts";
import type { Mark, Span, SpanName } from "#protocol/methods/trace.ts";
import type { Phase } from "#protocol/workspace.ts";
import type { Conditions } from "./conditions.ts";
import type { Instance } from "./facts.ts";
import { least, optional } from "./order.ts";
import type { TaskState } from "./task-facts.ts";
import { childrenOfStopping, childrenOfTask, seenAt } from "./trace-task.ts";

/** A span as the protocol has it, with instants in milliseconds since 1970. */
export interface SpanState {
  name: SpanName;
  state: Span["state"];
  startedAt: number;
  endedAt?: number;
  detail?: string;
  reason?: string;
  parent?: SpanName;
}

export interface MarkState {
  name: Mark["name"];
  at: number;
  detail?: string;
}

/** What is derived of an instance already, and decides how its spans end. */
export interface Course {
  phase: Phase;
  conditions: Conditions;
  /** Since when it is to end, of whatever cause. */
  stoppingSince?: number;
  stoppedAt?: number;
}

/** What is ours to know; `clone` and `ide` the supervisor says itself. */
const OURS = ["queue", "volume", "task", "supervisor"] as const;
/** Index of the first stage that is the supervisor's. */
const INSIDE = OURS.length;

export function spansOf(instance: Instance, course: Course): SpanState[] {
  const spans = [
    ...outside(instance),
    ...inside("clone", instance, instance.report?.clone),
    ...inside("ide", instance, instance.report?.ide),
    ...address(instance),
    ...running(instance),
  ];
  const isEnding = course.phase === "stopping" || course.phase === "stopped";
  return isEnding ? [...cut(spans, course), ...stopping(instance, course)] : spans;
}

export function marksOf(instance: Instance, { conditions, stoppedAt }: Course): MarkState[] {
  const { stop, failure } = instance;
  const why = whatWentWrong(conditions) ?? stop?.reason;
  return [
    ...mark("requested", instance.requestedAt),
    ...mark("hello", instance.helloAt),
    ...mark("ready", reachableAt(instance)),
    ...mark("stop", stop?.at, stop?.reason),
    ...mark("failure", failure?.at, failure?.message),
    ...mark("stopped", stoppedAt, why),
  ].sort((a, b) => a.at - b.at);
}

function mark(name: Mark["name"], at: number | undefined, detail?: string): MarkState[] {
  return at === undefined ? [] : [{ name, at, ...optional("detail", detail) }];
}

function outside(instance: Instance): SpanState[] {
  const current = currentStage(instance);
  const begins = beginnings(instance, current);
  return OURS.flatMap((name, index): SpanState[] => {
    const startedAt = begins[index];
    if (startedAt === undefined || (name === "volume" && instance.volumeKept)) return [];
    const children = name === "task" ? childrenOfTask(instance) : [];
    const next = begins[index + 1];
    if (next !== undefined) return [{ name, state: "done", startedAt, endedAt: next }, ...children];
    return [{ name, state: "active", startedAt, ...optional("detail", detailOf(instance, name)) }, ...children];
  });
}

function currentStage(instance: Instance): number {
  if (instance.helloAt !== undefined || instance.report) return INSIDE;
  if (seenAt(instance, "RUNNING") !== undefined) return OURS.indexOf("supervisor");
  const past = firstAttemptAt(instance) ?? instance.volumeReadyAt;
  if (past !== undefined || tasksOf(instance).length > 0) return OURS.indexOf("task");
  return instance.volumeStartedAt === undefined ? 0 : 1;
}

/** When each stage up to the current one began: what is not known is taken from the next, and none is before the one before it. */
function beginnings(instance: Instance, current: number): number[] {
  const created = tasksOf(instance).map((task) => least(task.createdAt, ...Object.values(task.seenAt)));
  const task = instance.volumeReadyAt ?? firstAttemptAt(instance) ?? least(...created);
  const known = [
    instance.requestedAt,
    instance.volumeStartedAt,
    task,
    seenAt(instance, "RUNNING"),
    least(instance.helloAt, instance.report?.clone.startedAt, instance.readyAt),
  ];
  const begins: number[] = [];
  for (let index = 0; index <= current; index += 1) {
    const next = known.slice(index, current + 1).find((time) => time !== undefined);
    begins.push(Math.max(next ?? 0, begins[index - 1] ?? instance.requestedAt));
  }
  return begins;
}

function detailOf(instance: Instance, name: (typeof OURS)[number]): string | undefined {
  const task = tasksOf(instance)[0];
  if (!task) return instance.waiting?.note;
  if (name !== "task") return undefined;
  if (task.status === "PROVISIONING") return "Getting a machine and its network";
  if (task.pullStartedAt !== undefined && task.pullStoppedAt === undefined) return "Fetching the image";
  return "Making the container";
}

/** What the supervisor says of a step of its own. A report that is older than the IDE's first answer was overtaken by it. */
function inside(name: "clone" | "ide", instance: Instance, step: StepFact | undefined): SpanState[] {
  if (!step || (step.state === "waiting" && instance.readyAt === undefined)) return [];
  const isOpen = step.state === "waiting" || step.state === "active";
  const startedAt = step.startedAt ?? step.endedAt ?? instance.helloAt ?? instance.readyAt ?? instance.requestedAt;
  const span = { name, startedAt, ...optional("detail", step.detail) };
  if (isOpen && instance.readyAt === undefined) return [{ ...span, state: "active" }];
  const over = isOpen ? instance.readyAt : (step.endedAt ?? instance.readyAt);
  const state = step.state === "skipped" || step.state === "failed" ? step.state : "done";
  return [{ ...span, state, endedAt: Math.max(over ?? startedAt, startedAt) }];
}

/** People can reach it once its public name is known, which EC2 tells a moment after ECS says that it runs. */
function address(instance: Instance): SpanState[] {
  const startedAt = seenAt(instance, "RUNNING");
  if (startedAt === undefined) return [];
  if (Object.keys(instance.addresses).length === 0) return [{ name: "address", state: "active", startedAt }];
  const { addressedAt } = instance;
  if (addressedAt === undefined) return [];
  return [{ name: "address", state: "done", startedAt, endedAt: Math.max(addressedAt, startedAt) }];
}

function running(instance: Instance): SpanState[] {
  const startedAt = reachableAt(instance);
  return startedAt === undefined ? [] : [{ name: "running", state: "active", startedAt }];
}

function reachableAt({ readyAt, addresses, addressedAt }: Instance): number | undefined {
  if (readyAt === undefined || Object.keys(addresses).length === 0) return undefined;
  return Math.max(readyAt, addressedAt ?? readyAt);
}

/** In a run that ends nothing is on its way: what was is cut short, and the first of what failed says why. */
function cut(spans: readonly SpanState[], { conditions, stoppingSince, stoppedAt }: Course): SpanState[] {
  const endsAt = stoppingSince ?? stoppedAt ?? 0;
  const knowsWhere = spans.some(({ state }) => state === "failed");
  const why = whatWentWrong(conditions);
  let reason = why;
  return spans
    .filter(({ startedAt, name }) => startedAt <= endsAt || name === "queue")
    .map((span): SpanState => {
      const after =
        span.state === "active" ? { ...span, ...howCut(span), endedAt: Math.max(endsAt, span.startedAt) } : span;
      if (after.state !== "failed" || after.parent !== undefined || reason === undefined) return after;
      const said = { ...after, reason };
      reason = undefined;
      return said;
    });

  function howCut({ name }: SpanState): Pick<SpanState, "state"> {
    // Its end by a limit is the end that a run has.
    if (name === "running") return { state: why === undefined || why === conditions.timeout ? "done" : "failed" };
    return { state: why === undefined || knowsWhere ? "stopped" : "failed" };
  }
}

function whatWentWrong({ failed, timeout, interrupted }: Conditions): string | undefined {
  return failed ?? timeout ?? interrupted;
}

function stopping(instance: Instance, { stoppingSince, stoppedAt }: Course): SpanState[] {
  if (stoppingSince === undefined) return [];
  const span = { name: "stopping" as const, startedAt: stoppingSince, ...optional("detail", instance.stop?.reason) };
  const children = childrenOfStopping(instance, stoppedAt);
  if (stoppedAt === undefined) return [{ ...span, state: "active" }, ...children];
  return [{ ...span, state: "done", endedAt: Math.max(stoppedAt, stoppingSince) }, ...children];
}

function firstAttemptAt({ attempts = {}, attempt }: Instance): number | undefined {
  return least(attempt?.at, ...Object.values(attempts).map(({ at }) => at));
}

function tasksOf(instance: Instance): TaskState[] {
  return Object.values(instance.tasks);
}
