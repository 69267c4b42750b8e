/** Which processes are the workspace's: read from /proc, since Linux tells nobody but a parent. */
import { readdir, readFile } from "node:fs/promises";

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot; with the pid it names a process for ever. */
  readonly startedAt: string;
}

/**
 * Remembers what it has seen, so that a process whose parent ended (a daemon) stays the workspace's: outside of a container,
 * where the supervisor is not process 1, such a process goes to somebody else.
 */
export class ProcessFamily {
  readonly #root: number;
  #known = new Map<number, string>();

  constructor(root = process.pid) {
    this.#root = root;
  }

  /** Ids of all descendants that run now, parents before children. */
  async members(): Promise<number[]> {
    const all = await readProcesses();
    const children = Map.groupBy(all.values(), ({ parent }) => parent);
    const found = new Map<number, string>();
    const queue = [this.#root];
    for (const [pid, startedAt] of this.#known) if (all.get(pid)?.startedAt === startedAt) queue.push(pid);
    for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
      const self = all.get(pid);
      if (found.has(pid) || !self) continue;
      found.set(pid, self.startedAt);
      for (const child of children.get(pid) ?? []) queue.push(child.pid);
    }
    found.delete(this.#root);
    this.#known = found;
    return [...found.keys()];
  }
}

async function readProcesses(): Promise<Map<number, Process>> {
  const all = new Map<number, Process>();
  await Promise.all(
    (await readdir("/proc")).map(async (name) => {
      if (!/^[0-9]+$/.test(name)) return;
      // It may end between the two looks.
      const text = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
      const process = parseStat(text);
      if (process) all.set(process.pid, process);
    }),
  );
  return all;
}

/** `/proc/<pid>/stat` (proc_pid_stat(5)): the command stands in parentheses and may contain some; a zombie counts as ended. */
export function parseStat(text: string): Process | undefined {
  const end = text.lastIndexOf(")");
  const start = text.indexOf("(");
  if (start < 0 || end < start) return undefined;
  const fields = text.slice(end + 2).split(" ");
  const [state, parent] = fields;
  const startedAt = fields[19];
  if (state === "Z" || parent === undefined || startedAt === undefined) return undefined;
  return { pid: Number(text.slice(0, start)), parent: Number(parent), startedAt };
}
