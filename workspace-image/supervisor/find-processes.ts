/** Which processes are the workspace's: read from /proc, since Linux tells nobody but a parent. */
import { readdir, readFile } from "node:fs/promises";

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot; with the pid it names a process for ever. */
  readonly startedAt: string;
}

interface Look {
  readonly startedAt: string;
  readonly isMarked: boolean;
}

/**
 * The descendants of a process, and those that left it: a daemon's parent ends, and outside of a container, where the supervisor is not
 * process 1, somebody else becomes its parent. It is known by a variable that it inherited, or because it was seen before.
 */
export class ProcessFamily {
  readonly #root: number;
  readonly #mark: string | undefined;
  #known = new Map<number, string>();
  /** Processes whose environment was read, by id: when they started, and whether it has the mark. */
  #looked = new Map<number, Look>();

  /** @param mark `NAME=value` in the environment of everything that the root starts */
  constructor(root = process.pid, mark?: string) {
    this.#root = root;
    this.#mark = mark;
  }

  /** Ids of all that run now, parents before children. */
  async members(): Promise<number[]> {
    const all = await readProcesses();
    const children = Map.groupBy(all.values(), ({ parent }) => parent);
    const found = new Map<number, string>();
    const queue = [this.#root, ...(await this.#marked(all))];
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

  async #marked(all: ReadonlyMap<number, Process>): Promise<number[]> {
    if (this.#mark === undefined) return [];
    const looked = new Map<number, Look>();
    await Promise.all(
      [...all.values()].map(async ({ pid, startedAt }) => {
        const before = this.#looked.get(pid);
        looked.set(
          pid,
          before?.startedAt === startedAt
            ? before
            : { startedAt, isMarked: await hasVariable(pid, this.#mark as string) },
        );
      }),
    );
    this.#looked = looked;
    return [...looked].filter(([, { isMarked }]) => isMarked).map(([pid]) => pid);
  }
}

/** What it was started with; of another user's process nothing can be read, and none of them is ours. */
async function hasVariable(pid: number, variable: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(variable);
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
