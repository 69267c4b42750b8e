import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { authenticateInstance } from "#functions/instances/authenticate-instance.ts";
import { reportFacts } from "#functions/instances/report-facts.ts";
import { sayHello } from "#functions/instances/say-hello.ts";
import type { UserCall } from "#functions/rpc/call.ts";
import { table, tableName } from "#functions/runtime/table.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { putConnection, subscribe } from "#functions/socket/connection-store.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import type { Phase } from "#protocol/workspace.ts";
import { createRepository, type GitServer, startGitServer } from "../../test/git-server.ts";
import { createWorkspace } from "./create-workspace.ts";
import { deleteWorkspace } from "./delete-workspace.ts";
import { drive } from "./drive.ts";
import { getWorkspace } from "./get-workspace.ts";
import { putHeartbeat } from "./heartbeat-store.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { onTaskChange } from "./on-task-change.ts";
import { cloudError, SimulatedCloud, type SimulatedTask } from "./simulated-cloud-store.ts";
import { slotsOf } from "./slot-store.ts";
import { startWorkspace } from "./start-workspace.ts";
import { stopWorkspace } from "./stop-workspace.ts";
import { sweep } from "./sweep.ts";

let stopTable: () => Promise<void>;
let git: GitServer;
let root: string;
let cloud: SimulatedCloud;
let owner: UserCall;
let people = 0;
const booted = new Set<string>();

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
function begin(): void {
  cloud = new SimulatedCloud();
  booted.clear();
  people += 1;
  owner = { kind: "user", userId: `u${people}`, name: "Ada", sessionId: "s" };
}

/** A new cloud and an empty table, within a test. */
async function clear(): Promise<void> {
  cloud.end();
  const { Items = [] } = await table.send(new ScanCommand({ TableName: tableName() }));
  await Promise.all(
    Items.map(({ pk, sk }) => table.send(new DeleteCommand({ TableName: tableName(), Key: { pk, sk } }))),
  );
  begin();
}

beforeEach(begin);
afterEach(async () => {
  await clear();
  cloud.end();
});

const url = () => `${git.url}/acme/shop.git`;
const create = async () => (await createWorkspace({ contextUrl: url() }, owner)).workspace;
const look = async (id: string) => (await getWorkspace({ id }, owner)).workspace;
const phaseOf = async (id: string) => (await look(id)).instance?.phase;

function secretOf(task: SimulatedTask): string {
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

async function report(task: SimulatedTask, more: object): Promise<void> {
  const call = await authenticateInstance(`${task.startedBy}.${secretOf(task)}`);
  const step = { state: "done" as const };
  await reportFacts({ bootId: "aaaaaaaa", sequence: 1, clone: step, ide: step, ports: [], tasks: [], ...more }, call);
}

/** Delivers what is due: events and messages; never later ones. */
async function deliver(): Promise<boolean> {
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
async function pass(seconds: number, options: { boots?: boolean; swept?: boolean } = {}): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    cloud.now += 1_000;
    cloud.advanceTasks();
    while (await deliver()) {}
    if (options.boots !== false) {
      for (const task of cloud.livingTasks) if (task.lastStatus === "RUNNING") await boot(task);
    }
    if (options.swept && second % 60 === 59) await cloud.process(() => sweep());
    while (await deliver()) {}
  }
}

/** Rows that are left of one workspace and its owner's slots. */
async function remains(id: string): Promise<string[]> {
  const { Items = [] } = await table.send(new ScanCommand({ TableName: tableName() }));
  const rows = Items.map(({ pk, sk }) => `${pk} ${sk}`).filter((key) => key.includes(id));
  const slots = Object.keys(await slotsOf(owner.userId)).filter((slot) => parseInstanceId(slot)?.workspaceId === id);
  const definitions = [...cloud.definitions].filter(([, { family, active }]) => family.includes(id) && active);
  const points = [...cloud.accessPoints.values()].filter(({ token }) => token === id).map(({ path }) => path);
  const tasks = cloud.livingTasks.filter(({ startedBy }) => startedBy.startsWith(id)).map(({ taskArn }) => taskArn);
  return [...rows, ...slots, ...definitions.map(([arn]) => arn), ...points, ...tasks];
}

/** Brings a new workspace into a phase. */
async function into(phase: Phase): Promise<string> {
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

const PHASES: Phase[] = ["preparing", "pending", "creating", "initializing", "running", "stopping", "stopped"];

describe("a start", () => {
  it("goes from the request to running, through one task", async () => {
    const { id, instance } = await create();
    expect(instance?.phase).toBe("preparing");
    await pass(6);
    const running = await look(id);
    expect(running.instance?.phase).toBe("running");
    expect(running.instance?.stages.every(({ state }) => state === "done")).toBe(true);
    expect(cloud.tasks.size).toBe(1);
    expect(JSON.stringify(running)).not.toMatch(/fsap|secretHash|directory|taskDefinition/);
  });

  it("makes one workspace of the same request, also when it comes twice at once", async () => {
    const params = { contextUrl: url(), requestId: "request-1" };
    const both = await Promise.all([createWorkspace(params, owner), createWorkspace(params, owner)]);
    const again = await createWorkspace(params, owner);
    expect(new Set([...both, again].map(({ workspace }) => workspace.id)).size).toBe(1);
    expect(Object.keys(await slotsOf(owner.userId))).toHaveLength(1);
  });

  it("does not come back by a late repetition once it is deleted", async () => {
    const params = { contextUrl: url(), requestId: "request-2" };
    const { workspace } = await createWorkspace(params, owner);
    await deleteWorkspace({ id: workspace.id }, owner);
    await pass(10);
    await expect(createWorkspace(params, owner)).rejects.toMatchObject({ kind: "CONFLICT" });
  });

  it("starts one task when the driver runs twice at once", async () => {
    const { id } = await create();
    await Promise.all([drive(id), drive(id), drive(id)]);
    await pass(6);
    expect(cloud.tasks.size).toBe(1);
    expect([...cloud.definitions.values()].filter(({ family, active }) => active && family.includes(id))).toHaveLength(
      1,
    );
    expect(await phaseOf(id)).toBe("running");
  });

  it("waits, and says so, while AWS has no capacity, and goes on when it has", async () => {
    cloud.fail(
      "RunTaskCommand",
      { failures: [{ reason: "Capacity is unavailable at this time." }] },
      cloudError("ThrottlingException", "Rate exceeded"),
      cloudError("ClientException", "Capacity is unavailable at this time. Please try again later"),
    );
    const { id } = await create();
    await deliver();
    const waiting = await look(id);
    expect(waiting.instance?.phase).toBe("preparing");
    expect(waiting.instance?.stages.find(({ name }) => name === "task")?.detail).toContain("Capacity is unavailable");
    await pass(30);
    expect(await phaseOf(id)).toBe("running");
    expect(cloud.tasks.size).toBe(1);
  });

  it("fails in plain words when AWS will never allow it, and gives the place back", async () => {
    cloud.fail("RunTaskCommand", cloudError("AccessDeniedException", "not authorized to perform ecs:RunTask"));
    const { id } = await create();
    await pass(2);
    const failed = await look(id);
    expect(failed.instance?.phase).toBe("stopped");
    expect(failed.instance?.conditions.failed).toMatch(/not allow it.*Ask whoever runs/s);
    expect(await slotsOf(owner.userId)).toEqual({});
  });

  it("adopts the task that an attempt with other parameters started", async () => {
    const { id } = await create();
    cloud.kill = { calls: 1, after: true };
    cloud.calls.length = 0;
    // Killed right after RunTask, and then the deployment changes its subnets.
    for (let calls = 1; cloud.tasks.size === 0; calls += 1) {
      cloud.kill = { calls, after: true };
      await cloud.process(() => drive(id));
    }
    const [task] = cloud.livingTasks;
    if (task) task.parameters = "others";
    cloud.losesEvents = true;
    await drive(id);
    expect(cloud.tasks.size).toBe(1);
    expect(await phaseOf(id)).toBe("pending");
  });

  it("is stopped when no task comes within 10 minutes", async () => {
    cloud.fail(
      "RunTaskCommand",
      ...Array.from({ length: 500 }, () => cloudError("ThrottlingException", "Rate exceeded")),
    );
    const { id } = await create();
    await pass(700, { swept: true });
    const { instance } = await look(id);
    expect(instance?.phase).toBe("stopped");
    expect(instance?.conditions.timeout).toContain("10 minutes");
    expect(await slotsOf(owner.userId)).toEqual({});
  });

  it("runs although every event was lost", async () => {
    cloud.losesEvents = true;
    const { id } = await create();
    await pass(180, { swept: true });
    expect(await phaseOf(id)).toBe("running");
  });

  it("waits for the public name when EC2 learns of it late", async () => {
    cloud.namesAreLate = true;
    const { id } = await create();
    await pass(8);
    expect(await phaseOf(id)).toBe("initializing");
    cloud.namesAreLate = false;
    await pass(10);
    expect(await phaseOf(id)).toBe("running");
  });

  it("tells what the supervisor says when it gives up, and ends the task", async () => {
    const id = await into("running");
    for (const task of cloud.livingTasks)
      await report(task, { sequence: 2, failure: "The disk is full. Delete files." });
    await pass(4);
    const { instance } = await look(id);
    expect(instance?.phase).toBe("stopped");
    expect(instance?.conditions).toEqual({ failed: "The disk is full. Delete files." });
  });

  it("is told to the owner's sockets with growing revisions", async () => {
    const peer = { id: "c1", peer: owner, subscribed: false };
    await putConnection("c1", owner);
    await subscribe(peer);
    const { id } = await create();
    await pass(6);
    await deleteWorkspace({ id }, owner);
    await pass(6);
    const seen = cloud.pushes.map(({ method, params }) => {
      const { workspace, revision } = params as { workspace?: { revision: number }; revision?: number };
      return { method, revision: workspace?.revision ?? revision ?? 0 };
    });
    expect(seen.map(({ revision }) => revision)).toEqual(
      [...seen.map(({ revision }) => revision)].sort((a, b) => a - b),
    );
    expect(seen.at(-1)?.method).toBe("workspace.deleted");
    expect(seen.length).toBeGreaterThan(5);
  });
});

describe.each(PHASES)("in phase %s", (phase) => {
  it("stops within 30 seconds, with no task and no slot left", async () => {
    const id = await into(phase);
    await stopWorkspace({ id }, owner);
    await pass(30);
    expect(await phaseOf(id)).toBe("stopped");
    expect(cloud.livingTasks).toEqual([]);
    expect(await slotsOf(owner.userId)).toEqual({});
  });

  it("stops within 30 seconds although all events are lost", async () => {
    const id = await into(phase);
    cloud.losesEvents = true;
    await stopWorkspace({ id }, owner);
    await pass(30);
    expect(await phaseOf(id)).toBe("stopped");
    expect(cloud.livingTasks).toEqual([]);
    expect(await slotsOf(owner.userId)).toEqual({});
  });

  it("is deleted within 30 seconds, with nothing left", async () => {
    const id = await into(phase);
    const { revision } = await look(id);
    const gone = await deleteWorkspace({ id }, owner);
    expect(gone.revision).toBeGreaterThan(revision);
    expect((await listWorkspaces({}, owner)).workspaces).toEqual([]);
    await expect(look(id)).rejects.toMatchObject({ kind: "NOT_FOUND" });
    await pass(30);
    expect(await remains(id)).toEqual([]);
  });

  it("can be started again after it was stopped, on the same volume", async () => {
    const id = await into(phase);
    await stopWorkspace({ id }, owner);
    await pass(20);
    const points = [...cloud.accessPoints.values()];
    const { workspace } = await startWorkspace({ id }, owner);
    expect(workspace.instance?.id).toBe(`${id}-r2`);
    await pass(10);
    expect(await phaseOf(id)).toBe("running");
    if (points.length > 0) expect([...cloud.accessPoints.values()]).toEqual(points);
    expect(cloud.livingTasks).toHaveLength(1);
  });
});

describe("start", () => {
  it("answers the run that is there", async () => {
    const id = await into("running");
    expect((await startWorkspace({ id }, owner)).workspace.instance?.id).toBe(`${id}-r1`);
  });

  it("is refused while it is still stopping", async () => {
    const id = await into("stopping");
    await expect(startWorkspace({ id }, owner)).rejects.toMatchObject({ kind: "CONFLICT" });
  });

  it("makes one run of two starts at once", async () => {
    const id = await into("stopped");
    const both = await Promise.all([startWorkspace({ id }, owner), startWorkspace({ id }, owner)]);
    expect(both.map(({ workspace }) => workspace.instance?.id)).toEqual([`${id}-r2`, `${id}-r2`]);
    expect(Object.keys(await slotsOf(owner.userId))).toEqual([`${id}-r2`]);
  });
});

describe("quota", () => {
  it("names the workspaces that run, and is never exceeded by requests at once", async () => {
    const all = await Promise.allSettled([create(), create(), create(), create()]);
    const made = all.flatMap((one) => (one.status === "fulfilled" ? [one.value.id] : []));
    const refused = all.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    expect(made).toHaveLength(2);
    expect(Object.keys(await slotsOf(owner.userId))).toHaveLength(2);
    for (const id of made) expect(refused[0]?.message).toContain(id);
    expect(refused[0]).toMatchObject({ kind: "TOO_MANY_RUNNING" });
  });
});

describe("strangers", () => {
  it("are told that there is no such workspace, whatever they ask", async () => {
    const id = await into("running");
    const other: UserCall = { ...owner, userId: "somebody-else" };
    for (const method of [getWorkspace, startWorkspace, stopWorkspace, deleteWorkspace]) {
      await expect(method({ id }, other)).rejects.toMatchObject({ kind: "NOT_FOUND" });
    }
    expect(await phaseOf(id)).toBe("running");
  });
});

describe("a running workspace", () => {
  it("is stopped after 30 minutes without activity, and not before", async () => {
    const id = await into("running");
    const usedAt = cloud.now + 20 * 60_000;
    cloud.now = usedAt;
    await putHeartbeat(id, { instanceId: `${id}-r1`, at: usedAt, activeAt: usedAt });
    cloud.now += 25 * 60_000;
    await sweep();
    await pass(5);
    expect(await phaseOf(id)).toBe("running");
    cloud.now += 6 * 60_000;
    await sweep();
    await pass(5);
    const { instance } = await look(id);
    expect(instance?.phase).toBe("stopped");
    expect(instance?.conditions).toEqual({ timeout: "Stopped after 30 minutes without activity" });
  });

  it("is shown as interrupted when AWS takes the machine", async () => {
    const id = await into("running");
    for (const task of cloud.livingTasks) cloud.endTask(task, "SpotInterruption", "Your Spot Task was interrupted.");
    await pass(5);
    const { instance } = await look(id);
    expect(instance?.phase).toBe("stopped");
    expect(instance?.conditions.interrupted).toContain("Spot");
    expect(await slotsOf(owner.userId)).toEqual({});
  });

  it("is shown as interrupted when ECS knows nothing of its task any more", async () => {
    const id = await into("running");
    cloud.tasks.clear();
    await pass(90, { swept: true });
    expect((await look(id)).instance?.conditions.interrupted).toContain("gone");
    expect(await slotsOf(owner.userId)).toEqual({});
  });
});

describe("the sweeper", () => {
  it("stops a task of a workspace that is gone", async () => {
    const id = await into("running");
    const [task] = cloud.livingTasks;
    const Key = { pk: `WORKSPACE#${id}`, sk: "WORKSPACE" };
    await table.send(new DeleteCommand({ TableName: tableName(), Key }));
    await sweep();
    await pass(3);
    expect(task?.lastStatus).toBe("STOPPED");
  });

  it("stops a task of an earlier run", async () => {
    const id = await into("stopped");
    const [old] = cloud.tasks.values();
    await startWorkspace({ id }, owner);
    await pass(6);
    // ECS was wrong about its end.
    if (old) Object.assign(old, { lastStatus: "RUNNING", desiredStatus: "RUNNING" });
    await sweep();
    await pass(3);
    expect(old?.lastStatus).toBe("STOPPED");
    expect(await phaseOf(id)).toBe("running");
  });

  it("frees a slot whose workspace was never written, after a minute", async () => {
    cloud.kill = { calls: 2, after: true };
    await cloud.process(create);
    expect(Object.keys(await slotsOf(owner.userId))).toHaveLength(1);
    await sweep();
    expect(Object.keys(await slotsOf(owner.userId))).toHaveLength(1);
    cloud.now += 61_000;
    await sweep();
    expect(await slotsOf(owner.userId)).toEqual({});
  });
});

describe("what is killed at any of its calls", () => {
  /** Runs `history` once for each call at which its handlers can be killed. @returns how many those are */
  async function atEachCall(after: boolean, history: (kill: () => void) => Promise<void>): Promise<number> {
    for (let calls = 1; ; calls += 1) {
      await history(() => {
        cloud.kill = { calls, after };
      });
      if (cloud.kill) return calls - 1;
      await clear();
    }
  }

  it.each([false, true])(
    "leaves a start that ends in running, with one task (killed after the effect: %s)",
    async (after) => {
      const points = await atEachCall(after, async (kill) => {
        const { id } = await create();
        kill();
        await pass(125, { swept: true });
        expect(await phaseOf(id)).toBe("running");
        expect(cloud.livingTasks).toHaveLength(1);
        expect(cloud.accessPoints.size).toBe(1);
      });
      expect(points).toBeGreaterThan(10);
    },
    60_000,
  );

  it.each([false, true])(
    "leaves a deletion that ends with nothing left (killed after the effect: %s)",
    async (after) => {
      const points = await atEachCall(after, async (kill) => {
        const id = await into("running");
        await deleteWorkspace({ id }, owner);
        kill();
        await pass(125, { swept: true });
        expect(await remains(id)).toEqual([]);
      });
      expect(points).toBeGreaterThan(10);
    },
    60_000,
  );
});
