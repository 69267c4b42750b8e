/** How a trace is said to people. */
import type { Mark, Span, SpanName, Trace } from "#protocol/methods/trace.ts";
import type { Stage } from "#protocol/workspace.ts";
import { sayDuration } from "../parts/say-time.ts";
import { stageWord } from "./state-words.ts";

type OtherSpan = Exclude<SpanName, Stage["name"] | `attempt-${number}`>;

const WORDS: Record<OtherSpan, string> = {
  provisioning: "Getting a machine and its network",
  pending: "Making the container",
  pull: "Fetching the image",
  activating: "Last steps before it runs",
  address: "Learning its public name",
  running: "Running",
  stopping: "Stopping",
  deactivating: "Taking it out of use",
  ending: "Ending the container",
  deprovisioning: "Giving machine and network back",
};

/** What ECS calls it, for whoever looks further in AWS. */
const ECS_NAMES: Partial<Record<SpanName, string>> = {
  provisioning: "PROVISIONING",
  pending: "PENDING",
  activating: "ACTIVATING",
  deactivating: "DEACTIVATING",
  ending: "STOPPING",
  deprovisioning: "DEPROVISIONING",
};

export const SPAN_STATES: Record<Span["state"], string> = {
  active: "on its way",
  done: "done",
  skipped: "not needed",
  refused: "refused",
  stopped: "cut short",
  failed: "failed",
};

const MARKS: Record<Mark["name"], string> = {
  requested: "Asked for",
  hello: "First sign of life",
  ready: "VS Code could be reached",
  stop: "Asked to stop",
  failure: "Failed",
  stopped: "Nothing of it was left",
};

export function spanWord(name: SpanName): string {
  if (name in WORDS) return WORDS[name as OtherSpan];
  const attempt = /^attempt-(\d+)$/.exec(name)?.[1];
  if (attempt === undefined) return stageWord(name as Stage["name"]);
  return attempt === "1" ? "Asking AWS for a machine" : `Asking AWS for a machine, attempt ${attempt}`;
}

export function ecsName(name: SpanName): string | undefined {
  return ECS_NAMES[name];
}

export function markWord(name: Mark["name"]): string {
  return MARKS[name];
}

/** `42 ms`, then as `sayDuration`. */
export function sayTook(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.max(0, Math.round(milliseconds))} ms` : sayDuration(milliseconds);
}

/** A trace in its parts: the start until people could reach it, how long they could, and the end. */
export function partsOf({ spans }: Pick<Trace, "spans">): { start: Span[]; running?: Span; end: Span[] } {
  const isEnd = ({ name, parent }: Span) => name === "stopping" || parent === "stopping";
  const running = spans.find(({ name }) => name === "running");
  return {
    start: spans.filter((span) => span !== running && !isEnd(span)),
    ...(running ? { running } : {}),
    end: spans.filter(isEnd),
  };
}

/** How the start went, in one sentence. @param now milliseconds since 1970 by the server's clock */
export function sayOutcome(trace: Trace, now: number): string {
  const { start, running } = partsOf(trace);
  const since = (at: string | number) =>
    sayTook((typeof at === "string" ? Date.parse(at) : at) - Date.parse(trace.requestedAt));
  if (running) return `Ready ${since(running.startedAt)} after it was asked for.`;
  const failed = start.filter(({ state }) => state === "failed").at(-1);
  if (failed) return `Failed after ${since(failed.endedAt ?? now)}. Where: ${spanWord(failed.name)}.`;
  const ended = trace.spans.find(({ name }) => name === "stopping")?.startedAt ?? trace.endedAt;
  if (ended) return `Ended after ${since(ended)}, before it was ready.`;
  return `On its way for ${since(now)}.`;
}

/** What took longest of a start that was ready, when it says something. */
export function sayMost(trace: Trace): string | undefined {
  const { start, running } = partsOf(trace);
  if (!running) return undefined;
  const whole = Date.parse(running.startedAt) - Date.parse(trace.requestedAt);
  const took = ({ startedAt, endedAt = startedAt }: Span) => Date.parse(endedAt) - Date.parse(startedAt);
  const [most] = start.filter(({ parent }) => parent === undefined).sort((a, b) => took(b) - took(a));
  if (!most || whole <= 0) return undefined;
  const share = Math.min(100, Math.round((100 * took(most)) / whole));
  return `Longest: ${spanWord(most.name)}, ${sayTook(took(most))} (${share} %).`;
}
