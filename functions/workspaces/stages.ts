/** The steps of a start that people follow: a view of its trace. Pure. */
import { STAGES, type Stage } from "#protocol/workspace.ts";
import type { Instance } from "./facts.ts";
import { optional } from "./order.ts";
import type { SpanState } from "./trace.ts";

export interface StageState {
  name: Stage["name"];
  state: Stage["state"];
  startedAt?: number;
  endedAt?: number;
  detail?: string;
}

const STATES = {
  active: "active",
  done: "done",
  skipped: "skipped",
  refused: "failed",
  stopped: "skipped",
  failed: "failed",
} as const satisfies Record<SpanState["state"], Stage["state"]>;

/** @param isEnding nothing more will begin */
export function stagesOf(
  spans: readonly SpanState[],
  { volumeKept }: Pick<Instance, "volumeKept">,
  isEnding: boolean,
): StageState[] {
  return STAGES.map((name): StageState => {
    const span = spans.find((one) => one.name === name);
    if (!span) return { name, state: isEnding || (name === "volume" && volumeKept) ? "skipped" : "waiting" };
    const { state, startedAt, endedAt, detail } = span;
    return { name, state: STATES[state], startedAt, ...optional("endedAt", endedAt), ...optional("detail", detail) };
  });
}
