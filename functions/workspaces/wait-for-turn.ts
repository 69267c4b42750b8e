/** The driver's way to slow down: AWS refused a call for its rate, or would. */
import { clock } from "#functions/runtime/clock.ts";
import type { Fact, Instance } from "./facts.ts";
import { takeTurn } from "./turn-store.ts";
import { hasTurn, type Line, TURN_NOTES } from "./turns.ts";
import { joinFacts } from "./update-workspace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/**
 * Takes a turn and writes it down, so that nobody asks before; who has one already, and came too early by a little, only tries
 * again.
 */
export async function waitForTurn(
  row: WorkspaceRow,
  instance: Instance,
  line: Line,
  ...others: Fact[]
): Promise<"done" | "later"> {
  if (hasTurn(instance, line, clock.now())) return "later";
  const retryAt = await takeTurn(line);
  const attempt = line === "run-task" && instance.attempt ? { attempt: instance.attempt.number } : {};
  const fact: Fact = { kind: "waiting", at: clock.now(), note: TURN_NOTES[line], retryAt, line, ...attempt };
  await joinFacts(row.id, instance.id, [...others, fact]);
  return "done";
}
