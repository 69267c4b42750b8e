/** Ends what the workspace started: asked first, then made to. */
import { type Clock, pause } from "./clock.ts";
import type { ProcessFamily } from "./find-processes.ts";

const LOOK_INTERVAL_MS = 50;

/** @param graceMs how long they may take to end by themselves */
export async function endFamily(clock: Clock, family: ProcessFamily, graceMs: number): Promise<void> {
  const deadline = clock.now() + graceMs;
  const asked = new Set<number>();
  for (;;) {
    const members = await family.members();
    if (members.length === 0) return;
    const isOver = clock.now() >= deadline;
    // Shells ignore SIGTERM when a person sits at them; SIGHUP is what a closed terminal says. Children first, so that no parent restarts them.
    for (const pid of members.toReversed()) {
      if (isOver) signal(pid, "SIGKILL");
      else if (!asked.has(pid)) {
        signal(pid, "SIGHUP");
        signal(pid, "SIGTERM");
        asked.add(pid);
      }
    }
    if (clock.now() >= deadline + 1_000) return;
    await pause(clock, LOOK_INTERVAL_MS);
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
