/** Takes one of a person's places for running workspaces, or says which workspaces have them. */
import { env } from "#functions/runtime/config.ts";
import { AtelierError } from "#protocol/errors.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { takeSlot } from "./slot-store.ts";

/** @throws AtelierError TOO_MANY_RUNNING */
export async function takePlace(userId: string, instanceId: string): Promise<void> {
  const max = Number(env("MAX_RUNNING_INSTANCES"));
  const taken = await takeSlot(userId, instanceId, max);
  if (!taken) return;
  const names = Object.keys(taken).map((id) => parseInstanceId(id)?.workspaceId ?? id);
  throw new AtelierError(
    "TOO_MANY_RUNNING",
    `You have ${max} running ${max === 1 ? "workspace" : "workspaces"}, which is your limit: ${names.join(", ")}. Stop one of them, then try again.`,
  );
}
