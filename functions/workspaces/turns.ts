/** Turns before AWS's rates, as they stand in an instance's facts. Pure. */
import type { Instance } from "./facts.ts";
import type { Step } from "./next-step.ts";

/** What there is a line for, by the driver's step. */
export type Line = "run-task" | "make-volume" | "stop-task";

export const TURN_NOTES: Readonly<Record<Line, string>> = {
  "run-task": "Waiting for its turn: AWS starts a limited number of machines each second",
  "make-volume": "Waiting for its turn: AWS makes a limited number of volumes each second",
  "stop-task": "Waiting for its turn: AWS stops a limited number of machines each second",
};

/** @returns the line before a step; an attempt is begun only by who can make it */
export function lineOf(step: Step): Line | undefined {
  if (step.kind === "record") return step.fact.kind === "attempt" ? "run-task" : undefined;
  return step.kind in TURN_NOTES ? (step.kind as Line) : undefined;
}

/** When its turn is in the line that it took last, milliseconds since 1970; 0 when that is none of these. */
export function turnIn({ waiting }: Instance, ...lines: readonly Line[]): number {
  return waiting?.line !== undefined && lines.includes(waiting.line) ? waiting.retryAt : 0;
}

/** Whether its turn has come. */
export function hasTurn(instance: Instance, line: Line, now: number): boolean {
  const turn = turnIn(instance, line);
  return turn > 0 && turn <= now;
}
