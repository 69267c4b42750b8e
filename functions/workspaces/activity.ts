/** Whether a running instance goes on: used, idle, or at the end of its life. Pure. */
import { IDLE_MS, LIFETIME_MS } from "./deadlines.ts";
import type { Fact, Instance } from "./facts.ts";
import type { Heartbeat } from "./heartbeat-store.ts";

/** @returns that it was used meanwhile, which moves its deadline, or that it is to stop */
export function activityFact(
  instance: Pick<Instance, "id" | "readyAt" | "requestedAt" | "activeAt">,
  beat: Pick<Heartbeat, "instanceId" | "activeAt"> | undefined,
  now: number,
): Fact {
  const readyAt = instance.readyAt ?? instance.requestedAt;
  if (now >= readyAt + LIFETIME_MS) {
    return { kind: "stop", at: now, by: "lifetime", reason: "Stopped after 36 hours, the longest that a run lasts" };
  }
  const beaten = beat?.instanceId === instance.id ? Math.min(beat.activeAt, now) : 0;
  const activeAt = Math.max(readyAt, instance.activeAt ?? 0, beaten);
  if (now < activeAt + IDLE_MS) return { kind: "active", at: activeAt };
  return { kind: "stop", at: now, by: "idle", reason: "Stopped after 30 minutes without activity" };
}
