/** For tests: people, Git, supervisors and the passing of time around the simulated cloud and the real handlers. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { authenticateInstance } from "#functions/instances/authenticate-instance.ts";
import { reportFacts } from "#functions/instances/report-facts.ts";
import { sayHello } from "#functions/instances/say-hello.ts";
import type { UserCall } from "#functions/rpc/call.ts";
import { table, tableName } from "#functions/runtime/table.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import type { Phase } from "#protocol/workspace.ts";
import { createRepository, type GitServer, startGitServer } from "../../test/git-server.ts";
import { createWorkspace } from "./create-workspace.ts";
import { drive } from "./drive.ts";
import { getWorkspace } from "./get-workspace.ts";
import { onTaskChange } from "./on-task-change.ts";
import { SimulatedCloud, type SimulatedTask } from "./simulated-cloud-store.ts";
import { slotsOf } from "./slot-store.ts";
import { stopWorkspace } from "./stop-workspace.ts";
import { sweep } from "./sweep.ts";

let stopTable: () => Promise<void>;
let git: GitServer;
let root: string;
export let cloud: SimulatedCloud;
export let owner: UserCall;
let people = 0;
const booted = new Set<string>();

/** Call it at the top of a test file. */
export function simulateLife(): void {
  beforeAll(async () => {
    stopTable = await startTestTable();
    root = await mkdtemp(join(tmpdir(), "life-"));
    await createRepository(root, "acme/shop.git", { branches: { main: { "a.txt": "a" } } });
    git = await startGitServer({ root });
  });
  afterAll(async () => {
    await git.stop();
    await rm(root, { recursive: true, force: true });
    await stopTable();
  });
  beforeEach(begin);
  afterEach(async () => {
    await clear();
    cloud.end();
  });
}

function begin(): void {
  cloud = new SimulatedCloud();
  booted.clear();
  people += 1;
  owner = { kind: "user", userId: `u${people}`, name: "Ada", sessionId: "s" };
}

/** A new cloud and an empty table, within a test. */
export async function clear(): Promise<void> {
  cloud.end();
  const { Items = [] } = await table.send(new ScanCommand({ TableName: tableName() }));
  await Promise.all(
    Items.map(({ pk, sk }) => table.send(new DeleteCommand({ TableName: tableName(), Key: { pk, sk } }))),
  );
  begin();
}

export const url = () => `${git.url}/acme/shop.git`;
export const create = async () => (await createWorkspace({ contextUrl: url() }, owner)).workspace;
export const look = async (id: string) => (await getWorkspace({ id }, owner)).workspace;
export const phaseOf = async (id: string) => (await look(id)).instance?.phase;

export function secretOf(task: SimulatedTask): string {
  return `secret of ${task.startedBy}`;
}

/** What the supervisor of a running task does. */
async function boot(task: SimulatedTask): Promise<void> {
  if (booted.has(task.taskArn)) return;
  const { ATELIER_INSTANCE_ID: instanceId = "", ATELIER_LAUNCH_TICKET: ticket = "" } = task.environment;
  const secretHash = createHash("sha256").update(secretOf(task)).digest("hex");
  try {
    await sayHello({ instanceId, ticket, secretHash, protocolVersion: PROTOCOL_VERSION }, { kind: "anonymous" });
    await report(task, { readyAt: cloud.now });
    booted.add(task.taskArn);
  } catch {
    // Refused: it is to end, and ends when it is told.
  }
}

export async function report(task: SimulatedTask, more: object): Promise<void> {
  const call = await authenticateInstance(`${task.startedBy}.${secretOf(task)}`);
  const step = { state: "done" as const };
  await reportFacts({ bootId: "aaaaaaaa", sequence: 1, clone: step, ide: step, ports: [], tasks: [], ...more }, call);
}

/** Delivers what is due: events and messages; never later ones. */
export async function deliver(): Promise<boolean> {
  let did = false;
  for (const detail of cloud.taskEvents.splice(0)) {
    did = true;
    await cloud.process(() => onTaskChange(detail));
  }
  const due = cloud.messages.filter(({ at }) => at <= cloud.now);
  cloud.messages.splice(0, cloud.messages.length, ...cloud.messages.filter(({ at }) => at > cloud.now));
  for (const { workspaceId } of due) {
    did = true;
    await cloud.process(() => drive(workspaceId));
  }
  return did;
}

/** Everything goes its way for so many simulated seconds: tasks a status a second, the sweeper each minute. */
export async function pass(seconds: number, options: { boots?: boolean; swept?: boolean } = {}): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    cloud.now += 1_000;
    cloud.advanceTasks();
    while (await deliver()) {}
    if (options.boots !== false) {
      for (const task of cloud.livingTasks) if (task.lastStatus === "RUNNING") await cloud.process(() => boot(task));
    }
    if (options.swept && second % 60 === 59) await cloud.process(() => sweep());
    while (await deliver()) {}
  }
}

/** Rows that are left of one workspace and its owner's slots. */
export async function remains(id: string): Promise<string[]> {
  const { Items = [] } = await table.send(new ScanCommand({ TableName: tableName() }));
  const rows = Items.map(({ pk, sk }) => `${pk} ${sk}`).filter((key) => key.includes(id));
  const slots = Object.keys(await slotsOf(owner.userId)).filter((slot) => parseInstanceId(slot)?.workspaceId === id);
  const definitions = [...cloud.definitions].filter(([, { family, active }]) => family.includes(id) && active);
  const points = [...cloud.accessPoints.values()].filter(({ token }) => token === id).map(({ path }) => path);
  const tasks = cloud.livingTasks.filter(({ startedBy }) => startedBy.startsWith(id)).map(({ taskArn }) => taskArn);
  return [...rows, ...slots, ...definitions.map(([arn]) => arn), ...points, ...tasks];
}

/** Brings a new workspace into a phase. */
export async function into(phase: Phase): Promise<string> {
  const { id } = await create();
  const steps: Record<string, () => Promise<unknown>> = {
    preparing: async () => {},
    pending: deliver,
    creating: () => deliver().then(() => pass(1, { boots: false })),
    initializing: () => deliver().then(() => pass(4, { boots: false })),
    running: () => pass(6),
    stopping: () => pass(6).then(() => stopWorkspace({ id }, owner)),
    stopped: () =>
      pass(6)
        .then(() => stopWorkspace({ id }, owner))
        .then(() => pass(6)),
  };
  await steps[phase]?.();
  expect(await phaseOf(id)).toBe(phase);
  return id;
}

export const PHASES: Phase[] = ["preparing", "pending", "creating", "initializing", "running", "stopping", "stopped"];
