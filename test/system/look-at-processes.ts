/** What anybody on this machine can see of processes, and the files that a run leaves. Linux only, as the `process` engine is. */
import { type Dirent, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** `NAME=value`, as it was started with; empty for what is not ours to read. */
  readonly environment: readonly string[];
}

export function allProcesses(): SeenProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z") return [];
        return [
          {
            pid: Number(name),
            parent: Number(parent),
            command: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " "),
            environment: readFileSync(`/proc/${name}/environ`, "utf8").split("\0"),
          },
        ];
      } catch {
        // It ended meanwhile, or is somebody else's.
        return [];
      }
    });
}

/** The supervisor of an instance. */
export function findSupervisor(instanceId: string): SeenProcess | undefined {
  return allProcesses().find(
    ({ environment }) => environment.includes(`ATELIER_INSTANCE_ID=${instanceId}`) && isTask(environment),
  );
}

/** Tasks alone are told where to report; what they start is not. */
function isTask(environment: readonly string[]): boolean {
  return environment.some((variable) => variable.startsWith("ATELIER_ENDPOINT="));
}

export function descendantsOf(pid: number, all = allProcesses()): SeenProcess[] {
  const children = all.filter(({ parent }) => parent === pid);
  return [...children, ...children.flatMap((child) => descendantsOf(child.pid, all))];
}

/** Everything that was started with a state folder, or with something in it. */
export function processesOf(home: string): SeenProcess[] {
  return allProcesses().filter(
    ({ pid, command, environment }) =>
      pid !== process.pid && (command.includes(home) || environment.some((variable) => variable.includes(home))),
  );
}

/** `127.0.0.1:80` of each TCP socket on which a process listens (IPv4). */
export function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? ""))
    .map((fields) => {
      const [address = "", port = ""] = (fields[1] ?? "").split(":");
      const bytes = (address.match(/../g) ?? []).reverse().map((hex) => Number.parseInt(hex, 16));
      return `${bytes.join(".")}:${Number.parseInt(port, 16)}`;
    });
}

/** Regular files under a folder. A folder that is removed meanwhile has none. */
export function filesUnder(folder: string, fits: (path: string) => boolean = () => true): string[] {
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path, fits);
    return entry.isFile() && fits(path) ? [path] : [];
  });
}

/** Files that hold one of these texts, in bytes. Files that end meanwhile hold none. */
export function filesWith(files: readonly string[], texts: readonly string[]): string[] {
  return files.filter((file) => {
    try {
      const content = readFileSync(file);
      return texts.some((text) => content.includes(text));
    } catch {
      return false;
    }
  });
}

/** What a run logs: its own file, and what tasks write. */
export function isLog(path: string): boolean {
  return /\/atelier\.log(\.\d+)?$|\/engine\/.*\.log$/.test(path);
}
