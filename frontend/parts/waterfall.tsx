import { useId } from "preact/hooks";
import type { Span } from "#protocol/methods/trace.ts";
import type { Stage } from "#protocol/workspace.ts";
import { ecsName, SPAN_STATES, sayTook, spanWord } from "../workspaces/trace-words.ts";
import { StageMark } from "./stage-list.tsx";
import { type Axis, placeOn, sayTick, ticksOf } from "./time-axis.ts";

interface Props {
  title: string;
  spans: readonly Span[];
  /** Where the axis begins, milliseconds since 1970. */
  from: number;
  /** Where it ends at the least. */
  to: number;
  now: number;
}

/** Spans as bars on one axis: a table, so that it can also be read aloud, row by row. */
export function Waterfall({ title, spans, from, to, now }: Props) {
  const id = useId();
  const ends = spans.map((span) => endOf(span, now));
  const axis: Axis = { from, to: Math.max(from + 1, to, ...ends) };
  const ticks = ticksOf(axis);
  return (
    <section aria-labelledby={id}>
      <h2 id={id} class="mb-2 flex items-baseline gap-2 text-[13px] font-medium text-dim">
        {title} <span class="font-normal text-faint tabular-nums">{sayTook(axis.to - from)}</span>
      </h2>
      <div class="rounded-lg border border-line bg-surface px-3 py-2 sm:px-4">
        <table aria-labelledby={id} class="w-full table-fixed border-collapse text-left">
          <thead class="text-xs text-faint">
            <tr>
              <th scope="col" class="pb-1 font-normal sm:w-[288px]">
                Step
              </th>
              <td class="relative hidden h-5 font-normal sm:table-cell" aria-hidden="true">
                {ticks.map((tick) => (
                  <span
                    key={tick}
                    class={`absolute top-0 whitespace-nowrap ${tick === 0 ? "" : "-translate-x-1/2"}`}
                    style={{ left: `${placeOn(axis, from + tick, from + tick).left}%` }}
                  >
                    {sayTick(tick)}
                  </span>
                ))}
              </td>
              <th scope="col" class="hidden w-[76px] pb-1 text-right font-normal sm:table-cell">
                Began
              </th>
              <th scope="col" class="w-[84px] pb-1 text-right font-normal">
                Took
              </th>
            </tr>
          </thead>
          <tbody>
            {spans.map((span) => (
              <SpanRow key={span.name} span={span} axis={axis} ticks={ticks} now={now} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function SpanRow({ span, axis, ticks, now }: { span: Span; axis: Axis; ticks: readonly number[]; now: number }) {
  const { name, state, parent, detail, reason } = span;
  const startedAt = Date.parse(span.startedAt);
  const began = `+${sayTook(startedAt - axis.from)}`;
  const bar = <Bar span={span} axis={axis} now={now} />;
  return (
    <tr data-span={name} data-state={state} class="border-t border-line align-top">
      <th scope="row" class={`py-1.5 pr-3 font-normal ${parent ? "pl-5 sm:pl-7" : ""}`}>
        <span class="flex min-w-0 items-start gap-x-2">
          <span class="flex h-5 shrink-0 items-center">
            <StageMark state={MARKS[state]} />
          </span>
          <span class={`min-w-0 wrap-anywhere ${parent ? "text-[13px] text-dim" : "text-ink"}`}>
            {spanWord(name)}
            {ecsName(name) && <span class="ml-2 hidden font-mono text-xs text-faint sm:inline">{ecsName(name)}</span>}
            <span
              class={
                QUIET.has(state) ? "sr-only" : `block text-[13px] ${state === "failed" ? "text-failed" : "text-dim"}`
              }
            >
              <span class="sr-only">: </span>
              {SPAN_STATES[state]}
            </span>
            {detail && <span class="block text-[13px] text-dim">{detail}</span>}
            {reason && <span class="block text-[13px] text-failed">{reason}</span>}
          </span>
        </span>
        <span class="relative mt-1 block h-2 rounded-full bg-hover sm:hidden" aria-hidden="true">
          {bar}
        </span>
      </th>
      <td class="relative hidden sm:table-cell" aria-hidden="true">
        {ticks.map((tick) => (
          <span
            key={tick}
            class="absolute inset-y-0 w-px bg-line"
            style={{ left: `${placeOn(axis, axis.from + tick, axis.from + tick).left}%` }}
          />
        ))}
        {bar}
      </td>
      <td class={`hidden sm:table-cell ${TIME}`}>{began}</td>
      <td class={TIME}>
        {sayTook(endOf(span, now) - startedAt)}
        <span class="block text-xs text-faint sm:hidden">
          <span class="sr-only">, began </span>
          {began}
        </span>
      </td>
    </tr>
  );
}

const TIME = "py-1.5 pl-2 text-right font-mono text-[13px] leading-5 whitespace-nowrap text-dim tabular-nums";

function Bar({ span, axis, now }: { span: Span; axis: Axis; now: number }) {
  const { left, width } = placeOn(axis, Date.parse(span.startedAt), endOf(span, now));
  return (
    <span
      data-bar
      class={`absolute top-0 h-2 min-w-[3px] rounded-full sm:top-3 ${COLOURS[span.state]} ${span.parent ? "opacity-60" : ""}`}
      style={{ left: `${left}%`, width: `${width}%` }}
    />
  );
}

/** What a mark and a bar say well enough to whoever sees them. */
const QUIET: ReadonlySet<Span["state"]> = new Set(["done", "active"]);

const MARKS: Record<Span["state"], Stage["state"]> = {
  active: "active",
  done: "done",
  skipped: "skipped",
  refused: "skipped",
  stopped: "skipped",
  failed: "failed",
};

const COLOURS: Record<Span["state"], string> = {
  active: "bg-moving pulse-dot",
  done: "bg-running",
  skipped: "bg-stopped",
  refused: "bg-stopped",
  stopped: "bg-stopped",
  failed: "bg-failed",
};

function endOf({ startedAt, endedAt, state }: Span, now: number): number {
  if (endedAt !== undefined) return Date.parse(endedAt);
  return state === "active" ? Math.max(now, Date.parse(startedAt)) : Date.parse(startedAt);
}
