import { readdirSync, readFileSync } from "node:fs";

/** A process as `/proc/<pid>/stat` gives it. Pid and start time together name one process for as long as the machine is up. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since the machine was started (field 22). */
  readonly startTime: number;
  /** Ended, and only waits for its parent to notice. */
  readonly isDead: boolean;
}

/** All processes of the machine now. One that ends meanwhile is left out. */
export function readProcesses(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** @returns undefined when there is no such process */
export function readProcess(pid: number): ProcessEntry | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseStat(stat);
}

/** Reads a line of `/proc/<pid>/stat`; the command's name in it may hold blanks and parentheses. */
export function parseStat(stat: string): ProcessEntry | undefined {
  const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const entry = {
    pid: Number.parseInt(stat, 10),
    parent: Number(afterName[1]),
    session: Number(afterName[3]),
    startTime: Number(afterName[19]),
    isDead: afterName[0] === "Z" || afterName[0] === "X",
  };
  return Number.isNaN(entry.pid + entry.parent + entry.session + entry.startTime) ? undefined : entry;
}

/** Whether a process was started with `text` somewhere in its environment; `false` for processes of other users. */
export function environmentHolds(pid: number, text: string): boolean {
  return readProcFile(`/proc/${pid}/environ`)?.includes(text) ?? false;
}

/** Changes with each start of the machine, when pids and start times begin anew. */
export function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readProcFile(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}
