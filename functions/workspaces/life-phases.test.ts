import { describe, expect, it } from "vitest";
import { deleteWorkspace } from "./delete-workspace.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { cloud, into, look, owner, PHASES, pass, phaseOf, remains, simulateLife } from "./simulated-life-store.ts";
import { slotsOf } from "./slot-store.ts";
import { startWorkspace } from "./start-workspace.ts";
import { stopWorkspace } from "./stop-workspace.ts";

simulateLife();

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
