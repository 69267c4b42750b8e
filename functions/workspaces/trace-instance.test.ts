import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { table, tableName } from "#functions/runtime/table.ts";
import { deleteWorkspace } from "./delete-workspace.ts";
import { getPastInstance, keepInstance } from "./past-instance-store.ts";
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
  remains,
  simulateLife,
} from "./simulated-life-store.ts";
import { startWorkspace } from "./start-workspace.ts";
import { stopWorkspace } from "./stop-workspace.ts";
import { traceInstance } from "./trace-instance.ts";
import { getWorkspace } from "./workspace-store.ts";

simulateLife();

const traceOf = async (instanceId: string) => (await traceInstance({ instanceId }, owner)).trace;
const NOT_FOUND = { kind: "NOT_FOUND" };

describe("instance.trace", () => {
  it("shows where the time of a start went, and nothing that is secret", async () => {
    const id = await into("running");
    const trace = await traceOf(`${id}-r1`);
    expect(trace).toMatchObject({ instanceId: `${id}-r1`, workspaceId: id, phase: "running" });
    const names = trace.spans.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["queue", "volume", "task", "attempt-1", "provisioning", "supervisor", "clone", "ide"]),
    );
    expect(trace.spans.at(-1)).toMatchObject({ name: "running", state: "active" });
    expect(JSON.stringify(trace)).not.toMatch(/secretHash|fsap|arn:|ec2-/);
  });

  it("agrees with the stages of the start page", async () => {
    const id = await into("running");
    const { spans } = await traceOf(`${id}-r1`);
    for (const { name, ...stage } of (await look(id)).instance?.stages ?? []) {
      expect(spans.find((span) => span.name === name)).toMatchObject(stage);
    }
  });

  it("shows each attempt that AWS refused, and what it said", async () => {
    cloud.fail(
      "RunTaskCommand",
      { failures: [{ reason: "Capacity is unavailable at this time." }] },
      cloudError("ThrottlingException", "Rate exceeded"),
      cloudError("ClientException", "Capacity is unavailable at this time. Please try again later"),
    );
    const { id } = await create();
    await deliver();
    await pass(30);
    expect(await phaseOf(id)).toBe("running");
    const attempts = (await traceOf(`${id}-r1`)).spans.filter(({ name }) => name.startsWith("attempt-"));
    expect(attempts).toMatchObject([
      { name: "attempt-1", state: "refused", detail: expect.stringContaining("Capacity is unavailable") },
      { name: "attempt-2", state: "refused", detail: expect.stringContaining("no machine free") },
      { name: "attempt-3", state: "done" },
    ]);
  });

  it("says where a failed start failed, and why, also after the next one", async () => {
    cloud.fail("RunTaskCommand", cloudError("AccessDeniedException", "not authorized to perform ecs:RunTask"));
    const { id } = await create();
    await pass(2);
    const failed = await traceOf(`${id}-r1`);
    expect(failed.spans.find(({ name }) => name === "task")).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("not allow it"),
    });
    await startWorkspace({ id }, owner);
    await pass(6);
    expect(await traceOf(`${id}-r1`)).toEqual(failed);
    expect((await traceOf(`${id}-r2`)).phase).toBe("running");
  });

  it("is for the owner only, and knows nothing of runs that were not", async () => {
    const id = await into("running");
    const stranger = { ...owner, userId: "somebody-else" };
    await expect(traceInstance({ instanceId: `${id}-r1` }, stranger)).rejects.toMatchObject(NOT_FOUND);
    await expect(traceOf(`${id}-r2`)).rejects.toMatchObject(NOT_FOUND);
    await expect(traceOf("amber-otter-abcd2345-r1")).rejects.toMatchObject(NOT_FOUND);
    await deleteWorkspace({ id }, owner);
    await expect(traceOf(`${id}-r1`)).rejects.toMatchObject(NOT_FOUND);
  });
});

describe("a former run", () => {
  it("is kept for 30 days, without its secret's hash", async () => {
    const id = await into("stopped");
    expect((await getWorkspace(id))?.instance?.secretHash).toBeDefined();
    await startWorkspace({ id }, owner);
    const key = { pk: `WORKSPACE#${id}`, sk: "INSTANCE#000000001" };
    const { Item } = await table.send(new GetCommand({ TableName: tableName(), Key: key }));
    expect(JSON.stringify(Item)).not.toContain("secretHash");
    expect(Number(Item?.ttl) - cloud.now / 1_000).toBeCloseTo(30 * 24 * 3_600, -2);
    expect(Object.keys(Item ?? {}).sort()).toEqual(["instance", "pk", "revision", "sk", "ttl"]);
  });

  it("is what was known last, whichever of two writes comes first", async () => {
    const id = await into("stopped");
    const row = await getWorkspace(id);
    if (!row?.instance) throw new Error("There is a run.");
    const later = { ...row, revision: row.revision + 1, instance: { ...row.instance, activeAt: 5 } };
    await keepInstance(later);
    await keepInstance(row);
    expect((await getPastInstance(id, 1))?.activeAt).toBe(5);
  });

  it("leaves a workspace as it was when the process is killed between the two writes", async () => {
    const id = await into("stopped");
    for (let calls = 1; (await getPastInstance(id, 1)) === undefined; calls += 1) {
      cloud.kill = { calls, after: true };
      await cloud.process(() => startWorkspace({ id }, owner));
    }
    cloud.kill = undefined;
    await startWorkspace({ id }, owner);
    await pass(6);
    expect(await phaseOf(id)).toBe("running");
    expect((await traceOf(`${id}-r1`)).phase).toBe("stopped");
  });

  it("goes with its workspace", async () => {
    const id = await into("stopped");
    await startWorkspace({ id }, owner);
    await pass(6);
    await stopWorkspace({ id }, owner);
    await pass(6);
    await startWorkspace({ id }, owner);
    expect((await remains(id)).filter((key) => key.includes("INSTANCE#"))).toHaveLength(2);
    await deleteWorkspace({ id }, owner);
    await pass(30);
    expect(await remains(id)).toEqual([]);
  });
});
