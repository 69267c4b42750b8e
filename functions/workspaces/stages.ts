/** The steps of a start that people follow, with their times, from the facts. Pure. */
import type { StepFact } from "#protocol/methods/instance.ts";
import type { Phase, Stage } from "#protocol/workspace.ts";
import type { Conditions } from "./conditions.ts";
import type { Instance } from "./facts.ts";
import { least } from "./order.ts";
import { rankOf } from "./task-facts.ts";

export interface StageState {
  name: Stage["name"];
  state: Stage["state"];
  startedAt?: number;
  endedAt?: number;
  detail?: string;
}

/** What is ours to know; `clone` and `ide` the supervisor says itself. */
const OURS = ["queue", "volume", "task", "supervisor"] as const;
/** Index of the first stage that is the supervisor's. */
const INSIDE = OURS.length;

/** @param endsAt since when it ends or when it ended; `undefined` while it is not to end */
export function stagesOf(
  instance: Instance,
  phase: Phase,
  conditions: Conditions,
  endsAt: number | undefined,
): StageState[] {
  const current = currentStage(instance);
  const begins = beginnings(instance, current);
  const ours = OURS.map((name, index): StageState => {
    const startedAt = begins[index];
    if (name === "volume" && instance.volumeKept) return { name, state: "skipped" };
    if (index > current || startedAt === undefined) return { name, state: "waiting" };
    const endedAt = begins[index + 1];
    if (index < current) return { name, state: "done", startedAt, endedAt: endedAt ?? startedAt };
    const detail = detailOf(instance, name);
    return { name, state: "active", startedAt, ...(detail === undefined ? {} : { detail }) };
  });
  const stages = [
    ...ours,
    insideStage("clone", instance, instance.report?.clone),
    insideStage("ide", instance, instance.report?.ide),
  ];
  return phase === "stopping" || phase === "stopped" ? stages.map((stage) => ended(stage, conditions, endsAt)) : stages;
}

function currentStage(instance: Instance): number {
  if (instance.helloAt !== undefined || instance.report) return INSIDE;
  if (runningAt(instance) !== undefined) return 3;
  const past = instance.firstAttemptAt ?? instance.volumeReadyAt;
  if (past !== undefined || Object.keys(instance.tasks).length > 0) return 2;
  return instance.volumeStartedAt === undefined ? 0 : 1;
}

function runningAt(instance: Instance): number | undefined {
  return least(
    ...Object.values(instance.tasks).flatMap((task) =>
      rankOf(task.status) < rankOf("RUNNING")
        ? []
        : [task.startedAt, task.seenAt.RUNNING].filter((time) => time !== undefined),
    ),
  );
}

/** When each stage up to the current one began: what is not known is taken from the next, and none is before the one before it. */
function beginnings(instance: Instance, current: number): number[] {
  const created = Object.values(instance.tasks).map((task) => least(task.createdAt, ...Object.values(task.seenAt)));
  const task = instance.volumeReadyAt ?? instance.firstAttemptAt ?? least(...created);
  const inside = least(instance.helloAt, instance.report?.clone.startedAt, instance.readyAt);
  const known = [instance.requestedAt, instance.volumeStartedAt, task, runningAt(instance), inside];
  const begins: number[] = [];
  for (let index = 0; index <= current; index += 1) {
    const next = known.slice(index, current + 1).find((time) => time !== undefined);
    begins.push(Math.max(next ?? 0, begins[index - 1] ?? instance.requestedAt));
  }
  return begins;
}

function detailOf(instance: Instance, name: (typeof OURS)[number]): string | undefined {
  const task = Object.values(instance.tasks)[0];
  if (!task) return instance.waiting?.note;
  if (name !== "task") return undefined;
  if (task.status === "PROVISIONING") return "Getting a machine and its network";
  if (task.pullStartedAt !== undefined && task.pullStoppedAt === undefined) return "Fetching the image";
  return "Making the container";
}

function insideStage(name: "clone" | "ide", instance: Instance, step: StepFact | undefined): StageState {
  const begun = step?.startedAt;
  const over = step?.endedAt;
  const stage: StageState = { name, state: step?.state ?? "waiting" };
  if (begun !== undefined) stage.startedAt = begun;
  if (over !== undefined) stage.endedAt = Math.max(over, begun ?? over);
  if (step?.detail !== undefined) stage.detail = step.detail;
  // A report that is older than the IDE's first answer was overtaken by it.
  if (instance.readyAt !== undefined && (stage.state === "waiting" || stage.state === "active")) {
    return { ...stage, state: "done", endedAt: Math.max(instance.readyAt, begun ?? 0) };
  }
  return stage;
}

/** In a run that ends, nothing is on its way. */
function ended(stage: StageState, conditions: Conditions, endsAt: number | undefined): StageState {
  if (stage.state === "waiting") return { name: stage.name, state: "skipped" };
  if (stage.state !== "active") return stage;
  const wentWrong = conditions.failed ?? conditions.timeout ?? conditions.interrupted;
  const endedAt = Math.max(endsAt ?? 0, stage.startedAt ?? 0);
  return { ...stage, state: wentWrong === undefined ? "skipped" : "failed", endedAt };
}
