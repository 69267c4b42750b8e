import type { StateWord } from "../workspaces/state-words.ts";

const COLOURS: Record<StateWord["tone"], string> = {
  running: "bg-running",
  moving: "bg-moving pulse-dot",
  stopped: "bg-stopped",
  failed: "bg-failed",
};

/** State is said twice, by colour and by word. */
export function StateDot({ state }: { state: StateWord }) {
  return (
    <span class="inline-flex items-center gap-2 whitespace-nowrap">
      <span class={`size-2 shrink-0 rounded-full ${COLOURS[state.tone]}`} aria-hidden="true" />
      <span class={state.tone === "failed" ? "text-failed" : "text-dim"}>{state.word}</span>
    </span>
  );
}
