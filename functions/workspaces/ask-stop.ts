/** Asks a run to end, in whatever phase it is. Pure. */
import { join, type StopFact } from "./facts.ts";
import { phaseOf } from "./phase.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/**
 * Of which nothing was started ends at once: an attempt is written down before it is made, and that write would now fail.
 * @returns the row itself when there is nothing to end
 */
export function askStop(row: WorkspaceRow, stop: StopFact): WorkspaceRow {
  const { instance } = row;
  if (!instance || phaseOf(instance) === "stopped") return row;
  const stopping = join(instance, { kind: "stop", ...stop });
  const isStarted = (instance.attempt?.number ?? 0) > instance.refused || Object.keys(instance.tasks).length > 0;
  return {
    ...row,
    instance: isStarted ? stopping : join(stopping, { kind: "gone", at: stop.at, reason: "Nothing was started." }),
  };
}
