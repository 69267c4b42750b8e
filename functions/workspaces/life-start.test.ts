import { describe, expect, it } from "vitest";
import { putConnection, subscribe } from "#functions/socket/connection-store.ts";
import { createWorkspace } from "./create-workspace.ts";
import { deleteWorkspace } from "./delete-workspace.ts";
import { drive } from "./drive.ts";
import { cloudError } from "./simulated-ecs-store.ts";
import {
  cloud,
  create,
  deliver,
  into,
  look,
  owner,
  pass,
  phaseOf,
  report,
  simulateLife,
  url,
} from "./simulated-life-store.ts";
import { slotsOf } from "./slot-store.ts";

simulateLife();

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

  it("asks for a machine once more only when its turn has come", async () => {
    cloud.fail("RunTaskCommand", cloudError("ThrottlingException", "Rate exceeded"));
    const { id } = await create();
    cloud.calls.length = 0;
    for (let times = 0; times < 3; times += 1) await drive(id);
    expect(cloud.calls.filter((name) => name === "RunTaskCommand")).toHaveLength(1);
    await pass(10);
    expect(await phaseOf(id)).toBe("running");
    expect(cloud.tasks.size).toBe(1);
  });

  it("takes a turn as soon as its volume is throttled, and then asks for what is missing only", async () => {
    cloud.fail("RegisterTaskDefinitionCommand", cloudError("ThrottlingException", "Rate exceeded"));
    const { id } = await create();
    cloud.calls.length = 0;
    for (let times = 0; times < 3; times += 1) await drive(id);
    const count = (command: string): number => cloud.calls.filter((name) => name === command).length;
    expect(count("RegisterTaskDefinitionCommand")).toBe(1);
    const { instance } = await look(id);
    expect(instance?.stages.find(({ state }) => state === "active")?.detail).toContain("Waiting for its turn");
    await pass(10);
    expect(await phaseOf(id)).toBe("running");
    expect(count("CreateAccessPointCommand")).toBe(1);
    expect(count("RegisterTaskDefinitionCommand")).toBe(2);
    expect(cloud.tasks.size).toBe(1);
  });

  it("runs although EC2 is asked too often to name it", async () => {
    const busy = cloudError("RequestLimitExceeded", "Request limit exceeded.");
    cloud.fail("DescribeNetworkInterfacesCommand", busy, busy);
    const { id } = await create();
    await pass(20);
    expect(await phaseOf(id)).toBe("running");
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
