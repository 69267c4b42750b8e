import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const NODE_24 = `node-${process.platform}-${process.arch}`;
/** What people have: on most machines an older one than 24. npm puts the project's own, which is 24, before it. */
const PATH_OF_PEOPLE = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
const NODE_OF_PEOPLE = execFileSync("sh", ["-c", "command -v node"], {
  encoding: "utf8",
  env: { PATH: PATH_OF_PEOPLE.join(":") },
}).trim();
const isOlder =
  Number(execFileSync(NODE_OF_PEOPLE, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" })) < 24;

/** A project of its own, with Node 24 among its packages, and a lock that names nothing. */
let project = "";
const started: ChildProcess[] = [];

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "atelier-entry-"));
  await copyFile(join(ROOT, "with-node-24.mjs"), join(project, "with-node-24.mjs"));
  await writeFile(join(project, "package.json"), '{ "name": "entry", "version": "1.0.0", "private": true }');
  await writeLock({});
  await mkdir(join(project, "node_modules"));
  await writeFile(join(project, "node_modules/.package-lock.json"), '{ "packages": {} }');
  if (existsSync(join(ROOT, "node_modules", NODE_24))) {
    await symlink(join(ROOT, "node_modules", NODE_24), join(project, "node_modules", NODE_24));
  }
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await rm(project, { recursive: true, force: true });
});

describe("a script", () => {
  it("runs with Node 24, its arguments and its exit code, whatever Node starts it", async () => {
    await writeScript("console.log(process.versions.node, ...process.argv.slice(2)); process.exit(7)");
    const { code, output } = await ended(run(NODE_OF_PEOPLE, "a", "b c"));
    expect(output()).toMatch(/^2[4-9]\.\S+ a b c$/m);
    expect(code).toBe(7);
  });

  it.runIf(isOlder)("hears Ctrl-C once, and ends in its own time", async () => {
    await writeScript(
      "let heard = 0; process.on('SIGINT', () => { heard += 1; console.log('heard', heard);" +
        " setTimeout(() => process.exit(heard), 500); }); setInterval(() => {}, 1000); console.log('ready');",
    );
    const child = run(NODE_OF_PEOPLE);
    await expect.poll(child.output, { timeout: 10_000 }).toContain("ready");
    child.process.kill("SIGINT");
    child.process.kill("SIGINT");
    expect((await ended(child)).code).toBe(1);
  });

  it.runIf(isOlder)("ends when the process that started it is killed", async () => {
    await writeScript(
      "const { writeFileSync } = await import('node:fs'); process.on('SIGTERM', () => { writeFileSync('ended', ''); process.exit(); });" +
        " setInterval(() => {}, 1000); console.log('ready');",
    );
    const child = run(NODE_OF_PEOPLE);
    await expect.poll(child.output, { timeout: 10_000 }).toContain("ready");
    child.process.kill("SIGKILL");
    await expect.poll(() => existsSync(join(project, "ended")), { timeout: 10_000 }).toBe(true);
  });
});

describe("missing packages", () => {
  it("are told of, and what was installed stays, when the registry is out of reach", async () => {
    await writeScript("console.log('ran')");
    await writeLock({
      "node_modules/ms": { version: "2.1.3", resolved: "http://127.0.0.1:9/ms/-/ms-2.1.3.tgz", integrity: INTEGRITY },
    });
    await writeFile(
      join(project, "package.json"),
      '{ "name": "entry", "version": "1.0.0", "dependencies": { "ms": "2.1.3" } }',
    );
    await writeFile(join(project, "node_modules/kept"), "");
    const { code, output } = await ended(run(NODE_OF_PEOPLE));
    expect(code).toBe(1);
    expect(output()).toMatch(/registry cannot be reached/);
    expect(output()).not.toContain("ran");
    expect(existsSync(join(project, "node_modules/kept"))).toBe(true);
    expect(await readdir(join(project, "build"))).toEqual([]);
  });

  it("are not asked for when npm has installed them already", async () => {
    await writeScript("console.log('ran')");
    const { code, output } = await ended(run(NODE_OF_PEOPLE));
    expect(output()).toBe("ran\n");
    expect(code).toBe(0);
    expect(await readFile(join(project, "node_modules/.atelier-lock-hash"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
  });
});

const INTEGRITY = "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==";

async function writeLock(packages: object): Promise<void> {
  const lock = { name: "entry", version: "1.0.0", lockfileVersion: 3, requires: true };
  const root = {
    name: "entry",
    version: "1.0.0",
    dependencies: Object.keys(packages).length > 0 ? { ms: "2.1.3" } : {},
  };
  await writeFile(join(project, "package-lock.json"), JSON.stringify({ ...lock, packages: { "": root, ...packages } }));
}

function writeScript(source: string): Promise<void> {
  return writeFile(join(project, "script.mjs"), source);
}

interface Running {
  readonly process: ChildProcess;
  output(): string;
}

function run(node: string, ...args: string[]): Running {
  const child = spawn(node, ["with-node-24.mjs", "script.mjs", ...args], {
    cwd: project,
    env: {
      PATH: process.env.PATH,
      HOME: project,
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_cache: join(project, "npm"),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  return { process: child, output: () => output };
}

async function ended(running: Running): Promise<{ code: number | null; output(): string }> {
  const code = await new Promise<number | null>((resolve) => running.process.once("close", resolve));
  return { code, output: running.output };
}
