import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { realClock } from "./clock.ts";
import { endFamily } from "./end-processes.ts";
import { ProcessFamily, parseStat } from "./find-processes.ts";
import { PortWatch, parseListening } from "./watch-ports.ts";

const DEADLINE = { timeout: 10_000, interval: 20 };
const LISTEN = "const s = require('http').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
let parent: ChildProcess | undefined;

afterEach(async () => {
  if (parent?.pid) await endFamily(realClock, new ProcessFamily(parent.pid), 100);
  parent?.kill("SIGKILL");
});

/** A process whose child (or grandchild, that nobody waits for) runs the script. @returns what the script printed first */
async function startFamily(script: string): Promise<string> {
  const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(script)}], { stdio: 'inherit' }); setInterval(() => {}, 1e6)`;
  parent = spawn(process.execPath, ["-e", outer], { stdio: ["ignore", "pipe", "inherit"] });
  const [first] = (await once(parent.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return first.toString().trim();
}

describe("PortWatch", () => {
  it("knows the ports of descendants and no others, and hears of their end", async () => {
    const foreign = http.createServer();
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    const foreignPort = (foreign.address() as AddressInfo).port;
    const port = Number(await startFamily(LISTEN));
    const family = new ProcessFamily(parent?.pid);
    const changes: number[][] = [];
    const watch = new PortWatch(family, (ports) => changes.push(ports));
    expect(await watch.has(port)).toBe(true);
    expect(await watch.has(foreignPort)).toBe(false);
    expect(changes).toEqual([[port]]);
    for (const pid of await family.members()) process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => {
      await watch.look();
      expect(changes.at(-1)).toEqual([]);
    }, DEADLINE);
    foreign.close();
  });

  it("reads the kernel's tables", () => {
    const table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
      "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n" +
      "   1: 0100007F:0BB9 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 12346 1 0 100 0 0 10 0\n";
    expect(parseListening(table)).toEqual([{ inode: "12345", port: 3_000 }]);
    expect(parseListening("")).toEqual([]);
  });
});

describe("ProcessFamily", () => {
  it("keeps a process whose parent ended", async () => {
    const pid = Number(await startFamily("console.log(process.pid); setInterval(() => {}, 1e6)"));
    // As a daemon does, seen from the supervisor: the one between them goes away.
    const between = parent?.pid as number;
    const family = new ProcessFamily();
    expect(await family.members()).toContain(pid);
    process.kill(between, "SIGKILL");
    await once(parent as ChildProcess, "exit");
    expect(await family.members()).toContain(pid);
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => expect(await family.members()).not.toContain(pid), DEADLINE);
  });

  it("knows a daemon by the variable that it inherited, though it was never seen with its parent", async () => {
    const mark = `ATELIER_INSTANCE=test-${process.pid}`;
    const environment = { ...process.env, ATELIER_INSTANCE: `test-${process.pid}` };
    const shell = spawn("/bin/sh", ["-c", "(sleep 1000 & echo $!)"], {
      env: environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [pid] = await Promise.all([once(shell.stdout, "data").then(([line]) => Number(line)), once(shell, "exit")]);
    const family = new ProcessFamily(shell.pid, mark);
    expect(await family.members()).toEqual([pid]);
    expect(await new ProcessFamily(shell.pid, `${mark}0`).members()).toEqual([]);
    await endFamily(realClock, family, 1_000);
    expect(await family.members()).toEqual([]);
  });

  it("reads a stat line whose command has spaces and parentheses, and counts a zombie as ended", () => {
    const rest = "1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
    expect(parseStat(`42 (a ) (b) S 7 ${rest.slice(2)}`)).toMatchObject({ pid: 42, parent: 7 });
    expect(parseStat(`42 (a) Z 7 ${rest}`)).toBeUndefined();
    expect(parseStat("")).toBeUndefined();
  });
});

describe("endFamily", () => {
  it("ends those who listen and makes those end who do not", async () => {
    await startFamily(
      "process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); console.log('up'); setInterval(() => {}, 1e6)",
    );
    const family = new ProcessFamily(parent?.pid);
    expect(await family.members()).toHaveLength(1);
    await endFamily(realClock, family, 200);
    expect(await family.members()).toEqual([]);
  });
});
