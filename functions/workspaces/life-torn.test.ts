import { describe, expect, it } from "vitest";
import { deleteWorkspace } from "./delete-workspace.ts";
import { clear, cloud, create, into, owner, pass, phaseOf, remains, simulateLife } from "./simulated-life-store.ts";
import { sweep } from "./sweep.ts";

simulateLife();

/** What a killed process left is found by the sweeper, which comes each minute. */
async function repair(): Promise<void> {
  for (const seconds of [8, 10, 10]) {
    await pass(seconds);
    cloud.now += 50_000;
    await cloud.process(sweep);
  }
  await pass(8);
}

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
        await repair();
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
        await repair();
        expect(await remains(id)).toEqual([]);
      });
      expect(points).toBeGreaterThan(10);
    },
    60_000,
  );
});
