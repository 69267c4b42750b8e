import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import type { UserCall } from "#functions/rpc/call.ts";
import { table, tableName } from "#functions/runtime/table.ts";
import { deleteWorkspace } from "./delete-workspace.ts";
import { getWorkspace } from "./get-workspace.ts";
import { putHeartbeat } from "./heartbeat-store.ts";
import { cloud, create, into, look, owner, pass, phaseOf, simulateLife } from "./simulated-life-store.ts";
import { slotsOf } from "./slot-store.ts";
import { startWorkspace } from "./start-workspace.ts";
import { stopWorkspace } from "./stop-workspace.ts";
import { sweep } from "./sweep.ts";

simulateLife();

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
