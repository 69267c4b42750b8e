import { readFileSync } from "node:fs";

/** A process is known by its id and its start, since ids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as in `/proc/<pid>/stat`; empty where there is no such file. */
  readonly startTime: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const current = startTimeOf(pid);
  return startTime === "" || current === undefined || current === startTime;
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command's name in parentheses, and may itself contain some.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
