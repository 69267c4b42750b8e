import type { Stage } from "#protocol/workspace.ts";
import { stageWord } from "../workspaces/state-words.ts";
import { sayDuration } from "./say-time.ts";
import { useNow } from "./use-now.ts";

const TENTH_MS = 100;

/** The steps of a start, each with its state, its own time, and what it is doing or waiting for. */
export function StageList({ stages, clock }: { stages: readonly Stage[]; clock: () => number }) {
  const counting = stages.some(({ state }) => state === "active");
  const now = useNow(clock, counting ? TENTH_MS : undefined);
  return (
    <ol class="rounded-lg border border-line bg-surface py-2">
      {stages.map((stage) => (
        <li
          key={stage.name}
          data-stage={stage.name}
          data-state={stage.state}
          aria-current={stage.state === "active" ? "step" : undefined}
          class="grid grid-cols-[16px_minmax(0,1fr)_auto] items-start gap-x-3 px-4 py-1.5"
        >
          <span class="flex h-5 items-center">
            <StageMark state={stage.state} />
          </span>
          <span class={stage.state === "waiting" || stage.state === "skipped" ? "text-faint" : "text-ink"}>
            {stageWord(stage.name)}
            <span class="sr-only">: {STATE_WORDS[stage.state]}</span>
            {stage.detail && (
              <span class={`block text-[13px] wrap-anywhere ${stage.state === "failed" ? "text-failed" : "text-dim"}`}>
                {stage.detail}
              </span>
            )}
          </span>
          <span
            class="font-mono text-[13px] whitespace-nowrap text-dim tabular-nums"
            aria-hidden={stage.state === "active"}
          >
            {stageTime(stage, now)}
          </span>
        </li>
      ))}
    </ol>
  );
}

const STATE_WORDS: Record<Stage["state"], string> = {
  waiting: "not begun",
  active: "on its way",
  done: "done",
  skipped: "not needed",
  failed: "failed",
};

/** @param now milliseconds since 1970 by the clock that `startedAt` is of */
export function stageTime(stage: Stage, now: number): string {
  if (stage.state === "skipped") return "not needed";
  if (!stage.startedAt || stage.state === "waiting") return "";
  const end = stage.endedAt ? Date.parse(stage.endedAt) : stage.state === "active" ? now : Number.NaN;
  return Number.isNaN(end) ? "" : sayDuration(end - Date.parse(stage.startedAt));
}

export function StageMark({ state }: { state: Stage["state"] }) {
  if (state === "active") return <span class="pulse-dot m-1 size-2 rounded-full bg-moving" aria-hidden="true" />;
  const look = { done: "text-running", failed: "text-failed", skipped: "text-faint", waiting: "text-line" }[state];
  return (
    <svg
      class={`size-4 ${look}`}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {state === "done" && <path d="m3.5 8.5 3 3 6-7" />}
      {state === "failed" && <path d="m4.5 4.5 7 7m0-7-7 7" />}
      {state === "skipped" && <path d="M5 8h6" />}
      {state === "waiting" && <circle cx="8" cy="8" r="3.25" />}
    </svg>
  );
}
