/** Slots whose instance is absent or has ended are freed: the slot is taken before the row is written, and freed after it ended. */
import { clock } from "#functions/runtime/clock.ts";
import { log } from "#functions/runtime/log.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { SLOT_GRACE_MS } from "./deadlines.ts";
import { hasEnded } from "./phase.ts";
import { freeSlot, listSlots } from "./slot-store.ts";
import { getWorkspace } from "./workspace-store.ts";

export async function sweepSlots(): Promise<void> {
  const now = clock.now();
  for (const { userId, slots } of await listSlots()) {
    for (const [instanceId, { at }] of Object.entries(slots)) {
      if (now - at < SLOT_GRACE_MS || (await isWanted(instanceId))) continue;
      log.warn("A slot without a living instance is freed.", { instanceId });
      await freeSlot(userId, instanceId);
    }
  }
}

async function isWanted(instanceId: string): Promise<boolean> {
  const run = parseInstanceId(instanceId);
  const instance = run && (await getWorkspace(run.workspaceId))?.instance;
  return instance?.id === instanceId && !hasEnded(instance);
}
