/** The driver's way to slow down: AWS refused a call for its rate, or would. */
import { clock } from "#functions/runtime/clock.ts";
import type { Fact, Instance } from "./facts.ts";
import { takeTurn, waitOf } from "./turn-store.ts";
import { hasTurn, type Line, TURN_NOTES } from "./turns.ts";
import { joinFacts } from "./update-workspace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/** Who had a turn and came too early, or much too late, takes another when the line is longer than this. */
const SHORT_LINE_MS = 3_000;

/**
 * Takes a turn and writes it down, so that nobody asks before.
 * @returns when the turn is, milliseconds since 1970; `later` for who has one already that should be good in a moment
 */
export async function waitForTurn(
  row: WorkspaceRow,
  instance: Instance,
  line: Line,
  ...others: Fact[]
): Promise<number | "later"> {
  if (hasTurn(instance, line, clock.now()) && waitOf(line) < SHORT_LINE_MS) return "later";
  const retryAt = await takeTurn(line);
  const attempt = line === "run-task" && instance.attempt ? { attempt: instance.attempt.number } : {};
  const fact: Fact = { kind: "waiting", at: clock.now(), note: TURN_NOTES[line], retryAt, line, ...attempt };
  await joinFacts(row.id, instance.id, [...others, fact]);
  return retryAt;
}
