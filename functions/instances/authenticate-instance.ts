/** A supervisor's bearer: `<instance id>.<secret>`. It is good from its hello until its instance has ended. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { InstanceCall } from "#functions/rpc/call.ts";
import { addLogFields } from "#functions/runtime/log.ts";
import { hasEnded } from "#functions/workspaces/phase.ts";
import { getWorkspace } from "#functions/workspaces/workspace-store.ts";
import { AtelierError } from "#protocol/errors.ts";
import { parseInstanceId } from "#protocol/ids.ts";

/** @throws AtelierError UNAUTHENTICATED, the same for every reason */
export async function authenticateInstance(bearer: string): Promise<InstanceCall> {
  const dot = bearer.indexOf(".");
  const instanceId = bearer.slice(0, Math.max(0, dot));
  const run = parseInstanceId(instanceId);
  if (!run) throw refused();
  const row = await getWorkspace(run.workspaceId);
  const instance = row?.instance;
  const isGood =
    row && instance?.id === instanceId && !hasEnded(instance) && isHashOf(bearer.slice(dot + 1), instance.secretHash);
  if (!isGood) throw refused();
  addLogFields({ instanceId });
  return { kind: "instance", workspaceId: run.workspaceId, instanceId, row };
}

function isHashOf(secret: string, hash: string | undefined): boolean {
  const given = createHash("sha256").update(secret).digest();
  const expected = Buffer.from(hash ?? "", "hex");
  return expected.length === given.length && timingSafeEqual(given, expected);
}

function refused(): AtelierError {
  return new AtelierError(
    "UNAUTHENTICATED",
    "This bearer is not (or no longer) good: its instance has ended, or never said hello with it.",
  );
}
