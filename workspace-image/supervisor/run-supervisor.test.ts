import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import { SUPERVISOR_PORT } from "#protocol/route-token.ts";
import { createRepository, type GitServer, startGitServer } from "../../test/git-server.ts";
import { installIde } from "../ide/install-ide.ts";
import { changed, HOST, INSTANCE, routeToken, type StandIn, startStandIn } from "./control-plane.fixture.ts";

const DEADLINE = { timeout: 60_000, interval: 20 };
vi.setConfig({ testTimeout: 120_000 });
const MAIN = new URL("./main.ts", import.meta.url).pathname;
/** Of this test run only: all listen on the same port. */
const ADDRESS = `127.${process.pid % 250}.${(process.pid >> 8) % 250}.7`;

let ide: string;
let root: string;
let git: GitServer;
let metadata: http.Server;
let standIn: StandIn;
let running: ChildProcess | undefined;

// Once into the cache, if it is not there: minutes, the first time.
beforeAll(async () => {
  ide = await installIde();
}, 600_000);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "supervisor-"));
  await mkdir(join(root, "volume"));
  git = await startGitServer({ root });
  metadata = http.createServer((_request, response) => {
    response.end(JSON.stringify({ Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [ADDRESS] }] }));
  });
  await new Promise<void>((resolve) => metadata.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    const ended = once(running, "exit");
    running.kill("SIGTERM");
    await ended;
  }
  await endLeftovers();
  metadata.close();
  await standIn.stop();
  await git.stop();
  await rm(root, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  printed(): string;
}

/** The supervisor as the process engine starts it: a process of its own with nothing but its environment. */
async function start(change: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      ATELIER_INSTANCE_ID: INSTANCE,
      ATELIER_LAUNCH_TICKET: "launch",
      ATELIER_ENDPOINT: standIn.url,
      ATELIER_VOLUME: join(root, "volume"),
      ATELIER_SCRATCH: join(root, "scratch"),
      ATELIER_IDE: ide,
      ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}/v4`,
      ...change,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running = child;
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (piece) => (printed += piece));
  const ended = new Promise<number | string>((resolve) =>
    child.on("exit", (code, signal) => resolve(code ?? signal ?? "?")),
  );
  return { child, ended, printed: () => printed };
}

async function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http
      .get({ host: ADDRESS, port: SUPERVISOR_PORT, path, agent: false, headers: { host: HOST, ...headers } }, resolve)
      .on("error", reject);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

async function withShop(): Promise<void> {
  await createRepository(root, "shop.git", { branches: { main: { "README.md": "hello" } } });
  standIn = await startShopStandIn();
}

function startShopStandIn(): Promise<StandIn> {
  return startStandIn({
    content: {
      cloneUrl: `${git.url}/shop.git`,
      fullRef: "refs/heads/main",
      commit: "0".repeat(40),
      name: "shop",
      path: "README.md",
    },
  });
}

const isReady = (): void => expect(standIn.reports.at(-1)?.readyAt).toBeDefined();
const signedIn = { "x-atelier-route": routeToken(), accept: "text/html" };

/** Processes that have this test's folder in their arguments or environment. */
async function leftovers(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) continue;
    const told = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    if (told.some((part) => part.includes(root))) found.push(`${pid} ${told[0]?.replaceAll("\0", " ")}`);
  }
  return found;
}

/** What a killed supervisor leaves, the process engine ends; here the tests do. */
async function endLeftovers(): Promise<void> {
  for (const left of await leftovers()) {
    try {
      process.kill(Number(left.split(" ")[0]), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

it("goes from the first call to an IDE that opens the repository, and ends everything in order", async () => {
  await withShop();
  const run = await start();
  await vi.waitFor(isReady, DEADLINE);
  expect(standIn.reports.at(-1)).toMatchObject({
    clone: { state: "done" },
    ide: { state: "done" },
    commit: { subject: "Fill main" },
  });
  const sequences = standIn.reports.map(({ sequence }) => sequence);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  expect(await readFile(join(root, "volume/shop/README.md"), "utf8")).toBe("hello");
  expect(await readFile(join(root, "volume/.home/.gitconfig"), "utf8")).toContain("ada@acme.test");

  const page = await get("/", signedIn);
  expect(page.status).toBe(200);
  const settings = /web-configuration" data-settings="([^"]*)"/.exec(page.body)?.[1]?.replaceAll("&quot;", '"');
  expect(JSON.parse(settings as string)).toMatchObject({
    folderUri: { scheme: "vscode-remote", path: join(root, "volume/shop"), authority: HOST },
    defaultLayout: { editors: [{ uri: { path: join(root, "volume/shop/README.md") } }] },
    enableWorkspaceTrust: false,
  });
  await vi.waitFor(() => expect(standIn.messages).toEqual(['{"jsonrpc":"2.0","method":"ping"}']), DEADLINE);
  expect(standIn.calls.some(({ method }) => method === "instance.heartbeat")).toBe(true);

  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(0);
  expect(await leftovers()).toEqual([]);
  expect(standIn.log()).toContain(`Cloning ${git.url}/shop.git refs/heads/main`);
  expect(standIn.log()).not.toMatch(/Receiving objects: +[0-9]{1,2}%/);
  expect(run.printed()).not.toContain("launch");
});

it("says that it is stopping as soon as the control plane says so", async () => {
  await withShop();
  await start();
  await vi.waitFor(isReady, DEADLINE);
  await vi.waitFor(() => expect(standIn.messages).toHaveLength(1), DEADLINE);
  for (const socket of standIn.sockets) socket.send(JSON.stringify(changed("stopping")));
  await vi.waitFor(async () => expect((await get("/", signedIn)).body).toContain("is stopping"), DEADLINE);
});

it("starts the clone again after a kill in the middle, and keeps a filled volume", async () => {
  await withShop();
  // The server accepts and never answers, so the clone hangs where it can be killed.
  const stuck = http.createServer(() => undefined);
  await new Promise<void>((resolve) => stuck.listen(0, "127.0.0.1", resolve));
  const good = standIn;
  standIn = await startStandIn({
    content: {
      cloneUrl: `http://127.0.0.1:${(stuck.address() as AddressInfo).port}/shop.git`,
      fullRef: "refs/heads/main",
      commit: "0".repeat(40),
      name: "shop",
      path: "",
    },
  });
  const first = await start();
  const own = join(root, "volume/.atelier");
  await vi.waitFor(async () => expect((await readdir(own)).join()).toMatch(/^clone-/), DEADLINE);
  await vi.waitFor(() => expect(standIn.reports.at(-1)?.ide.state).toBe("done"), DEADLINE);
  first.child.kill("SIGKILL");
  await first.ended;
  // The IDE goes with its supervisor; only Git still waits for its host.
  await vi.waitFor(async () => expect((await leftovers()).join("\n")).not.toContain("code-server"), DEADLINE);
  await endLeftovers();
  stuck.closeAllConnections();
  stuck.close();
  await standIn.stop();

  standIn = good;
  const second = await start();
  await vi.waitFor(isReady, DEADLINE);
  expect(await readdir(own)).toEqual(["filled"]);
  await writeFile(join(root, "volume/shop/README.md"), "edited");
  second.child.kill("SIGTERM");
  await second.ended;

  await good.stop();
  standIn = await startShopStandIn();
  const third = await start();
  await vi.waitFor(isReady, DEADLINE);
  expect(standIn.reports.at(-1)?.clone.state).toBe("skipped");
  expect(await readFile(join(root, "volume/shop/README.md"), "utf8")).toBe("edited");
  third.child.kill("SIGTERM");
  expect(await third.ended).toBe(0);
});

it("reports why it cannot clone, in plain words, and exits with 1", async () => {
  standIn = await startStandIn({
    content: {
      cloneUrl: `${git.url}/missing.git`,
      fullRef: "refs/heads/main",
      commit: "0".repeat(40),
      name: "missing",
      path: "",
    },
  });
  const run = await start();
  expect(await run.ended).toBe(1);
  expect(standIn.reports.at(-1)).toMatchObject({ clone: { state: "failed" } });
  expect(standIn.reports.at(-1)?.failure).toMatch(/^There is no Git repository at http/);
  expect(await leftovers()).toEqual([]);
});

it("gives up when the IDE dies three times right after its start, with its last words", async () => {
  await withShop();
  await mkdir(join(root, "ide/out/node"), { recursive: true });
  await writeFile(join(root, "ide/out/node/entry.js"), "console.error('no such library'); process.exit(7);");
  const run = await start({ ATELIER_IDE: join(root, "ide") });
  expect(await run.ended).toBe(1);
  expect(standIn.reports.at(-1)).toMatchObject({ ide: { state: "failed" } });
  expect(standIn.reports.at(-1)?.failure).toMatch(/ended 3 times .*exit code 7.*no such library/);
});

it("does not start without a good launch ticket", async () => {
  standIn = await startStandIn();
  const run = await start({ ATELIER_LAUNCH_TICKET: "stolen" });
  expect(await run.ended).toBe(1);
  expect(run.printed()).toContain("This is not the launch ticket.");
  expect(standIn.reports).toEqual([]);
});

it("ends when the control plane no longer knows its instance", async () => {
  await withShop();
  standIn.before = (method, params) => {
    if (method === "instance.report" && params.readyAt) throw new AtelierError("PERMISSION_DENIED", "It is over.");
    return undefined;
  };
  const run = await start();
  expect(await run.ended).toBe(1);
  expect(run.printed()).toContain("It is over.");
});
