import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freshInstance, manyFacts, REQUESTED_AT } from "./arbitrary-facts.ts";
import { type Fact, join, joinAll } from "./facts.ts";

const at = REQUESTED_AT;

describe("join", () => {
  it("ends the same whatever the order of the facts", () => {
    const shuffled = manyFacts.chain((facts) =>
      fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
    );
    fc.assert(
      fc.property(shuffled, ([facts, other]) => {
        expect(joinAll(freshInstance(), other)).toEqual(joinAll(freshInstance(), facts));
      }),
      { numRuns: 1_000 },
    );
  });

  it("ends the same when facts come again, at any later time", () => {
    const repeated = manyFacts.chain((facts) => fc.tuple(fc.constant(facts), fc.subarray(facts)));
    fc.assert(
      fc.property(repeated, ([facts, again]) => {
        const once = joinAll(freshInstance(), facts);
        expect(joinAll(once, again)).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps the earliest request to stop, with who asked and why", () => {
    const late: Fact = { kind: "stop", at: at + 2, by: "user", reason: "late" };
    const early: Fact = { kind: "stop", at: at + 1, by: "idle", reason: "early" };
    expect(joinAll(freshInstance(), [late, early]).stop).toEqual({ at: at + 1, by: "idle", reason: "early" });
  });

  it("drops an older report, but not that the IDE had answered in it", () => {
    const base = {
      bootId: "aaaaaaaa",
      clone: { state: "done" },
      ide: { state: "done" },
      ports: [],
      tasks: [],
    } as const;
    const newer: Fact = { kind: "report", at, report: { ...base, sequence: 2, ports: [3_000], tasks: [] } };
    const older: Fact = { kind: "report", at, report: { ...base, sequence: 1, ports: [], tasks: [], readyAt: at + 5 } };
    const instance = joinAll(freshInstance(), [newer, older]);
    expect(instance.report?.ports).toEqual([3_000]);
    expect(instance.readyAt).toBe(at + 5);
  });

  it("does not let an older message of a task take back that it runs", () => {
    const task = (version: number, status: "PENDING" | "RUNNING"): Fact => ({
      kind: "task",
      task: { arn: "t", version, status, stopWanted: false, at },
    });
    expect(join(join(freshInstance(), task(4, "RUNNING")), task(2, "PENDING")).tasks.t?.status).toBe("RUNNING");
  });
});
