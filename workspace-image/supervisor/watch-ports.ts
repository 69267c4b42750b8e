/**
 * Which TCP ports the workspace's own processes listen on. It looks every two seconds: /proc has no push, and what has one
 * (netlink's sock_diag, eBPF) needs rights that a Fargate task lacks. A gate that is asked for a port looks at once.
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { type Clock, pause } from "./clock.ts";
import type { ProcessFamily } from "./find-processes.ts";

const INTERVAL_MS = 2_000;
const MAX_PORTS = 100;
/** TCP_LISTEN in include/net/tcp_states.h. */
const LISTEN = "0A";

export class PortWatch {
  readonly #family: ProcessFamily;
  readonly #onChange: (ports: number[]) => void;
  #sockets = "";
  #ports: number[] = [];
  #looking: Promise<void> | undefined;

  constructor(family: ProcessFamily, onChange: (ports: number[]) => void) {
    this.#family = family;
    this.#onChange = onChange;
  }

  /** Whether something of the workspace listens there, now. */
  async has(port: number): Promise<boolean> {
    if (this.#ports.includes(port)) return true;
    await this.look();
    return this.#ports.includes(port);
  }

  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async keepLooking(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await pause(clock, INTERVAL_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const listening = new Map<string, number>();
    for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
      for (const { inode, port } of parseListening(await readFile(file, "utf8").catch(() => ""))) {
        listening.set(inode, port);
      }
    }
    // Walking through every process's files is the dear part, and only a new or ended socket changes its result.
    const sockets = [...listening.keys()].sort().join(" ");
    if (sockets === this.#sockets) return;
    const owned = listening.size > 0 ? await this.#owned(listening) : new Set<number>();
    this.#sockets = sockets;
    const ports = [...owned].sort((a, b) => a - b).slice(0, MAX_PORTS);
    if (ports.join() === this.#ports.join()) return;
    this.#ports = ports;
    this.#onChange(ports);
  }

  async #owned(listening: ReadonlyMap<string, number>): Promise<Set<number>> {
    const ports = new Set<number>();
    for (const pid of await this.#family.members()) {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
      for (const file of files) {
        const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
        const inode = /^socket:\[([0-9]+)\]$/.exec(target)?.[1];
        const port = inode === undefined ? undefined : listening.get(inode);
        if (port !== undefined) ports.add(port);
      }
    }
    return ports;
  }
}

/** `/proc/net/tcp` and `tcp6`: `sl local_address rem_address st ... inode`, addresses as hexadecimal `ADDRESS:PORT`. */
export function parseListening(text: string): { inode: string; port: number }[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && fields[9] !== undefined)
    .map((fields) => ({ inode: fields[9] as string, port: Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) }))
    .filter(({ port }) => port > 0);
}
