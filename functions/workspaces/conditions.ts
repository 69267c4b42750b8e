/** Why an instance is as it is, in sentences for people. Pure. */
import type { Conditions as WireConditions } from "#protocol/workspace.ts";
import type { Instance, StopBy } from "./facts.ts";
import { least } from "./order.ts";
import type { TaskEnd, TaskState } from "./task-facts.ts";

export type Conditions = { -readonly [K in keyof WireConditions]?: Exclude<WireConditions[K], undefined> };

/** Ends that come from AWS and not from the workspace or from us. */
const INTERRUPTIONS: Readonly<Record<string, string>> = {
  SpotInterruption: "AWS took the Spot machine back. The files are kept; start it again.",
  TerminationNotice: "The machine was shut down. The files are kept; start it again.",
  InfrastructureHealth: "The machine became unhealthy and was replaced. The files are kept; start it again.",
  ServiceSchedulerInitiated: "AWS ended the task. The files are kept; start it again.",
};

const TIMEOUTS: readonly StopBy[] = ["idle", "lifetime", "deadline"];

export function conditionsOf(instance: Instance): Conditions {
  const { stop, failure, gone } = instance;
  const conditions: Conditions = {};
  if (stop) {
    if (TIMEOUTS.includes(stop.by)) conditions.timeout = stop.reason;
    else conditions.stoppedByRequest = true;
  }
  // What fails because it was asked to end has not failed.
  const failed = failure !== undefined && (stop === undefined || failure.at < stop.at);
  if (failed) conditions.failed = failure.message;

  const end = endOf(instance);
  const interruption = end && INTERRUPTIONS[end.code];
  if (end && interruption) conditions.interrupted = withReason(interruption, end);
  else if (end && !stop && !failed) Object.assign(conditions, unaskedEnd(end));
  else if (gone && !end && !stop && !failed) conditions.interrupted = gone.reason;
  return conditions;
}

/** The end of the task; of several, of the one that ended first. */
function endOf(instance: Instance): TaskEnd | undefined {
  const ended = Object.values(instance.tasks).filter((task) => task.end);
  const rank = (task: TaskState) => least(task.stoppingAt, task.stoppedAt) ?? Number.MAX_SAFE_INTEGER;
  return ended.sort((a, b) => rank(a) - rank(b) || (endText(a) < endText(b) ? -1 : 1))[0]?.end;
}

function endText({ end }: TaskState): string {
  return `${end?.code} ${end?.reason}`;
}

function unaskedEnd(end: TaskEnd): Conditions {
  switch (end.code) {
    case "EssentialContainerExited":
      return { failed: exitText(end) };
    case "TaskFailedToStart":
      return { failed: startFailureText(end) };
    default:
      return { interrupted: withReason("It was ended from outside. The files are kept; start it again.", end) };
  }
}

function exitText({ exitCode, reason: stopped, containerReason }: TaskEnd): string {
  if (/OutOfMemory/i.test(containerReason ?? "")) {
    return "The workspace used up its memory and was ended. Start it again, or choose a larger class.";
  }
  const code = exitCode === undefined ? "" : ` with code ${exitCode}`;
  const said = containerReason || stopped.replace(/^Essential container in task exited[:.]?\s*/, "");
  const reason = said ? ` (${said.slice(0, 500)})` : "";
  return `The workspace's supervisor ended by itself${code}${reason}. The files are kept; start it again.`;
}

function startFailureText({ reason, containerReason }: TaskEnd): string {
  const said = reason || containerReason || "no reason was given";
  if (/CannotPull/i.test(said)) {
    return `The workspace image could not be fetched: ${said}. Ask whoever runs this deployment to check the image.`;
  }
  if (/capacity/i.test(said)) return "AWS had no machine free for this class. Start it again, or choose another class.";
  return `The machine could not start the workspace: ${said}. Start it again; if that does not help, ask whoever runs this deployment.`;
}

function withReason(text: string, { reason }: TaskEnd): string {
  return reason ? `${text} (${reason.replace(/\.$/, "")})` : text;
}
