/** The driver's way to slow down: AWS refused a call for its rate, or would. */
import { clock } from "#functions/runtime/clock.ts";
import { type Fact, type Instance, joinAll } from "./facts.ts";
import { takeTurn, waitOf } from "./turn-store.ts";
import { hasTurn, type Line, TURN_NOTES } from "./turns.ts";
import { updateWorkspace } from "./update-workspace.ts";
import type { Volume, WorkspaceRow } from "./workspace-row.ts";

/** Who had a turn and came too early, or much too late, takes another when the line is longer than this. */
const SHORT_LINE_MS = 3_000;

/** What has become known on the way to the line, and is written down with the turn. */
interface Known {
  readonly facts?: readonly Fact[];
  readonly made?: Partial<Volume>;
}

/**
 * Takes a turn and writes it down, so that nobody asks before.
 * @returns when the turn is, milliseconds since 1970; `later` for who has one already that should be good in a moment
 */
export async function waitForTurn(
  row: WorkspaceRow,
  instance: Instance,
  line: Line,
  { facts = [], made }: Known = {},
): Promise<number | "later"> {
  if (hasTurn(instance, line, clock.now()) && waitOf(line) < SHORT_LINE_MS) return "later";
  const retryAt = await takeTurn(line);
  const attempt = line === "run-task" && instance.attempt ? { attempt: instance.attempt.number } : {};
  const turn: Fact = { kind: "waiting", at: clock.now(), note: TURN_NOTES[line], retryAt, line, ...attempt };
  await updateWorkspace(row.id, (current) => {
    if (current.instance?.id !== instance.id) return undefined;
    // What is there stays.
    const volume = { ...made, ...current.volume };
    return { ...current, volume, instance: joinAll(current.instance, [...facts, turn]) };
  });
  return retryAt;
}
