import { readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Who holds a lock: a process is known by its id and its start, since ids are used again. */
interface Holder {
  readonly pid: number;
  /** Clock ticks since boot, as in `/proc/<pid>/stat`; empty where there is no such file. */
  readonly startTime: string;
}

const RETRY_MS = 100;

/**
 * Runs `work` while no other process of this machine does so under the same file. A lock whose holder is gone is taken over.
 * @param onWait called once with the holder's process id when somebody else is at it
 */
export async function holdLock<T>(file: string, onWait: (pid: number) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  for (;;) {
    const holder = await tryTake(file);
    if (holder === undefined) break;
    if (!told) onWait(holder.pid);
    told = true;
    await wait(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** @returns the holder when there is one that lives */
async function tryTake(file: string): Promise<Holder | undefined> {
  const own: Holder = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
  try {
    await writeFile(file, JSON.stringify(own), { flag: "wx" });
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const text = await readFile(file, "utf8").catch(() => undefined);
  // It is gone, or is being written just now.
  if (text === undefined || text === "") return { pid: 0, startTime: "" };
  const holder = JSON.parse(text) as Holder;
  if (isAlive(holder)) return holder;
  await rm(file, { force: true });
  return holder;
}

function isAlive({ pid, startTime }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return startTime === "" || startTimeOf(pid) === startTime;
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
