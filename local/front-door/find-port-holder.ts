import { readdir, readFile, readlink } from "node:fs/promises";

export interface PortHolder {
  readonly pid: number;
  /** What it was started as, shortened; `node server.js`. */
  readonly program: string;
}

/** Who listens on a TCP port of this machine. @returns `undefined` without /proc, and for processes of other users */
export async function findPortHolder(port: number): Promise<PortHolder | undefined> {
  const inodes = await findListeners(port);
  if (inodes.size === 0) return undefined;
  for (const entry of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    for (const descriptor of await readdir(`/proc/${entry}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${entry}/fd/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined && inodes.has(inode)) return { pid: Number(entry), program: await programOf(entry) };
    }
  }
  return undefined;
}

/** State 0A is LISTEN (https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt). */
async function findListeners(port: number): Promise<Set<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => "");
    for (const line of text.split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === "0A" && fields[9]) inodes.add(fields[9]);
    }
  }
  return inodes;
}

/** The first two words: more could hold what its owner did not mean to show. */
async function programOf(pid: string): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0").filter(Boolean);
  const shown = words.slice(0, 2).map((word) => word.split("/").at(-1));
  return shown.join(" ") || "an unknown program";
}
