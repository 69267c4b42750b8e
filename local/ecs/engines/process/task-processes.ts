import { environmentHolds, type ProcessEntry, readBootId, readProcess, readProcesses } from "./process-table.ts";

/** The main process of a task, so that it is found again, and no other is taken for it. */
export interface MainProcess {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
}

export function mainProcess(pid: number): MainProcess | undefined {
  const entry = readProcess(pid);
  return entry && { pid, startTime: entry.startTime, bootId: readBootId() };
}

/**
 * Which processes belong to a task. Without namespaces there is no one answer, so three are joined: its session, whoever
 * carries its mark in the environment (also after `setsid` and a double fork), and the descendants of both and of all that were
 * seen before. Only a process that leaves the session, sheds the environment and loses its parent between two looks gets away.
 */
export class TaskProcesses {
  readonly #marker: string;
  readonly #main: MainProcess | undefined;
  /** Everything seen so far: pid → start time. */
  readonly #seen = new Map<number, number>();

  constructor(marker: string, main: MainProcess | undefined) {
    this.#marker = marker;
    this.#main = main?.bootId === readBootId() ? main : undefined;
    if (this.#main !== undefined) this.#seen.set(this.#main.pid, this.#main.startTime);
  }

  /** Whether the main process itself lives. */
  mainLives(): boolean {
    const entry = this.#main && readProcess(this.#main.pid);
    return entry !== undefined && !entry.isDead && entry.startTime === this.#main?.startTime;
  }

  /** Its living processes, which are remembered: look before a kill takes parents away. */
  find(): readonly ProcessEntry[] {
    const all = readProcesses().filter(({ pid, isDead }) => !isDead && pid !== process.pid && pid !== 1);
    const session = this.#ownSession(all);
    const members = new Map<number, ProcessEntry>();
    for (const entry of all) {
      const isMember =
        entry.session === session ||
        this.#seen.get(entry.pid) === entry.startTime ||
        environmentHolds(entry.pid, this.#marker);
      if (isMember) members.set(entry.pid, entry);
    }
    for (let before = -1; before !== members.size; ) {
      before = members.size;
      for (const entry of all) if (members.has(entry.parent)) members.set(entry.pid, entry);
    }
    for (const { pid, startTime } of members.values()) this.#seen.set(pid, startTime);
    return [...members.values()];
  }

  /** Sends a signal to the main process, if it is still the one that was started. */
  signalMain(signal: NodeJS.Signals): void {
    if (this.#main !== undefined && this.mainLives()) send(this.#main.pid, signal);
  }

  /** Ends all that lives by force, without seeing to it that it ended. */
  signalAll(): void {
    // Twice: what was started between look and kill has a parent that is remembered.
    for (let look = 0; look < 2; look += 1) for (const { pid } of this.find()) send(pid, "SIGKILL");
  }

  /** Ends all that lives by force; resolves when nothing is left, or with what is left after `deadlineMs`. */
  async killAll(
    sleep: (ms: number) => Promise<void>,
    now: () => number,
    deadlineMs: number,
  ): Promise<readonly number[]> {
    const deadline = now() + deadlineMs;
    for (;;) {
      const left = this.find();
      if (left.length === 0) return [];
      for (const { pid } of left) send(pid, "SIGKILL");
      if (now() >= deadline) return left.map(({ pid }) => pid);
      // Nothing tells of the end of a process that is not one's own child.
      await sleep(10);
    }
  }

  /** The kernel gives no pid away that is still a session's; one whose leader is somebody else is not ours any more. */
  #ownSession(all: readonly ProcessEntry[]): number | undefined {
    const main = this.#main;
    if (main === undefined) return undefined;
    const leader = all.find(({ pid }) => pid === main.pid);
    return leader === undefined || leader.startTime === main.startTime ? main.pid : undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: ended meanwhile, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
