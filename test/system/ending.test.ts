/** How Atelier ends, and how it says that something could not begin. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ideDirectory } from "../../workspace-image/ide/install-ide.ts";
import type { GitServer } from "../git-server.ts";
import { eventually, Person } from "../person.ts";
import { serveShop } from "../shop-repository.ts";
import { type RunningAtelier, removeHome, startAtelier } from "../start-atelier.ts";
import { filesUnder, isLog, processesOf } from "./look-at-processes.ts";

let git: GitServer;
let cache: string;
const homes: string[] = [];
const running: RunningAtelier[] = [];

beforeAll(async () => {
  git = await serveShop();
  cache = await mkdtemp(join(tmpdir(), "atelier-cache-"));
});

afterEach(async () => {
  for (const atelier of running.splice(0)) await atelier.stop();
});

afterAll(async () => {
  await git?.stop();
  await Promise.all([...homes.map(removeHome), rm(cache, { recursive: true, force: true })]);
});

async function start(options: Parameters<typeof startAtelier>[0] = {}): Promise<RunningAtelier> {
  const atelier = await startAtelier(options);
  running.push(atelier);
  homes.push(atelier.home);
  return atelier;
}

async function openShop(atelier: RunningAtelier): Promise<{ ada: Person; id: string }> {
  const ada = await Person.signIn(atelier.origin, "ada");
  const { id } = await ada.create(`${git.url}/acme/shop.git`);
  const { instance } = await ada.until(id, ["running", "stopped"]);
  expect(instance?.phase, JSON.stringify(instance)).toBe("running");
  return { ada, id };
}

const commandsOf = (home: string) => processesOf(home).map(({ pid, command }) => `${pid} ${command}`);

async function canListen(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const code = await new Promise<string | undefined>((resolve) => {
      server.once("error", ({ code: why }: NodeJS.ErrnoException) => resolve(why));
      server.listen({ port, host, exclusive: true }, () => resolve(undefined));
    });
    server.close();
    if (code !== undefined && code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT") return false;
  }
  return true;
}

describe("Ctrl-C", () => {
  it("leaves no process, frees the port, and ends well", async () => {
    const atelier = await start();
    const { ada, id } = await openShop(atelier);
    await ada.enter(id);
    // Itself, a supervisor and an IDE at least: were nothing found, nothing would be shown below.
    expect(commandsOf(atelier.home).length).toBeGreaterThanOrEqual(3);
    expect(await canListen(atelier.port)).toBe(false);
    expect(await atelier.stop()).toBe(0);
    expect(commandsOf(atelier.home)).toEqual([]);
    expect(await canListen(atelier.port)).toBe(true);
  });

  it("a second time ends everything at once", async () => {
    const atelier = await start();
    await openShop(atelier);
    atelier.process.kill("SIGINT");
    await eventually("it says that it ends", () => atelier.output().includes("Ending workspaces"));
    const asked = Date.now();
    atelier.process.kill("SIGINT");
    await eventually("it ended", () => atelier.process.exitCode !== null || atelier.process.signalCode !== null, 5_000);
    expect(Date.now() - asked).toBeLessThan(5_000);
    await eventually("nothing is left", () => (commandsOf(atelier.home).length === 0 ? true : undefined), 1_000).catch(
      (error: Error) => {
        throw new Error(`${error.message}: ${commandsOf(atelier.home).join("\n")}`);
      },
    );
    expect(await canListen(atelier.port)).toBe(true);
  });
});

describe("the log", () => {
  it("of start, stop, start, delete and end holds no error, no warning, and no grant that is missing", async () => {
    const atelier = await start();
    const { ada, id } = await openShop(atelier);
    await ada.enter(id);
    await ada.call("workspace.stop", { id });
    await ada.until(id, "stopped");
    await ada.call("workspace.start", { id });
    await ada.until(id, "running");
    await ada.call("workspace.delete", { id });
    await eventually(
      "the volume is gone",
      () => !filesUnder(atelier.home).some((file) => file.endsWith("shop/README.md")),
    );
    await atelier.stop();
    const log = filesUnder(atelier.home, (file) => isLog(file) && file.endsWith("atelier.log"));
    expect(log).toHaveLength(1);
    const lines = readFileSync(log[0] as string, "utf8").split("\n");
    expect(lines.length).toBeGreaterThan(10);
    // What the process engine says of itself at each start is meant to be read.
    const bad = lines.filter(
      (line) => /missing grant|"level":"(warn|error)"/i.test(line) && !/without isolation/.test(line),
    );
    expect(bad).toEqual([]);
  });
});

describe("a start that cannot be", () => {
  it("says that the package registry is out of reach, and what to do", async () => {
    const empty = await mkdtemp(join(cache, "empty-"));
    const env = {
      ATELIER_CACHE: empty,
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_cache: join(cache, "npm"),
    };
    const began = Date.now();
    await expect(start({ env })).rejects.toThrow(/registry[\s\S]*(again|reach|proxy)/i);
    expect(Date.now() - began).toBeLessThan(45_000);
    expect(filesUnder(empty)).toEqual([]);
  });

  it("shows an IDE that dies at once as a failed start, with its last words and what to do", async () => {
    const broken = join(cache, basename(ideDirectory(cache)));
    await mkdir(join(broken, "out/node"), { recursive: true });
    await writeFile(
      join(broken, "out/node/entry.js"),
      'console.error("The flux is not capacitated."); process.exit(3);\n',
    );
    const atelier = await start({ env: { ATELIER_CACHE: cache } });
    const ada = await Person.signIn(atelier.origin, "ada");
    const { id } = await ada.create(`${git.url}/acme/shop.git`);
    const { instance } = await ada.until(id, "stopped");
    expect(instance?.conditions.failed).toMatch(
      /IDE ended 3 times.*exit code 3.*The flux is not capacitated\..*(start|settings)/s,
    );
    expect(instance?.stages.find(({ name }) => name === "ide")?.state).toBe("failed");
    await ada.call("workspace.delete", { id });
  });

  it.runIf(canMakeSmallDisk())("shows a full disk as a failed start, and what to do", async () => {
    const home = await mkdtemp(join(tmpdir(), "atelier-small-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", home]);
    try {
      const atelier = await start({ home });
      const ada = await Person.signIn(atelier.origin, "ada");
      const { id } = await ada.create(`${git.url}/acme/shop.git`);
      const { instance } = await ada.until(id, "stopped");
      expect(instance?.conditions.failed).toMatch(/disk is full.*Free some space/s);
      await ada.call("workspace.delete", { id });
      expect((await ada.call<{ workspaces: unknown[] }>("workspace.list")).workspaces).toEqual([]);
      expect(await atelier.stop()).toBe(0);
    } finally {
      for (const atelier of running.splice(0)) await atelier.stop();
      execFileSync("umount", ["--lazy", home]);
    }
  });
});

/** Mounting needs root, which continuous integration may lack. */
function canMakeSmallDisk(): boolean {
  try {
    const mounted = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted], { stdio: "ignore" });
    execFileSync("umount", [mounted]);
    execFileSync("rmdir", [mounted]);
    return true;
  } catch {
    return false;
  }
}
