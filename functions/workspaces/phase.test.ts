import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyFacts, freshInstance, manyFacts, REQUESTED_AT } from "./arbitrary-facts.ts";
import { IDLE_MS, LIFETIME_MS, PREPARING_MS } from "./deadlines.ts";
import { type Fact, joinAll } from "./facts.ts";
import { derive, isLater, phaseOf } from "./phase.ts";

const at = REQUESTED_AT;
const arn = "t";

function task(status: string, more: object = {}): Fact {
  return { kind: "task", task: { arn, version: 1, status, stopWanted: false, at, ...more } } as Fact;
}

function report(more: object = {}): Fact {
  const waiting = { state: "waiting" };
  const facts = { bootId: "aaaaaaaa", sequence: 1, clone: waiting, ide: waiting, ports: [], tasks: [], ...more };
  return { kind: "report", at, report: facts } as unknown as Fact;
}

const address: Fact = { kind: "address", taskArn: arn, publicName: "ec2-1.example" };

function derived(...facts: Fact[]) {
  return derive(joinAll(freshInstance(), facts));
}

describe("phase", () => {
  it("never goes back, whatever comes in whatever order", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(manyFacts, (facts) => {
        let instance = freshInstance();
        let phase = phaseOf(instance);
        for (const fact of facts) {
          instance = joinAll(instance, [fact]);
          const next = phaseOf(instance);
          expect(isLater(phase, next)).toBe(false);
          phase = next;
          seen.add(phase);
        }
      }),
      { numRuns: 1_000 },
    );
    // Otherwise the property says little.
    expect([...seen].sort()).toEqual(
      ["creating", "initializing", "pending", "preparing", "running", "stopped", "stopping"].sort(),
    );
  });

  it("has a deadline unless it is stopped, and an end only then", () => {
    fc.assert(
      fc.property(manyFacts, (facts) => {
        const { phase, deadlineAt, stoppedAt } = derived(...facts);
        expect(deadlineAt === undefined).toBe(phase === "stopped");
        expect(stoppedAt === undefined).toBe(phase !== "stopped");
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Fact[]]>([
    ["preparing", []],
    ["preparing", [{ kind: "attempt", number: 1, at }]],
    ["pending", [task("PROVISIONING")]],
    ["creating", [task("PENDING")]],
    ["initializing", [task("RUNNING")]],
    ["initializing", [{ kind: "hello", at }]],
    ["initializing", [task("RUNNING"), report({ readyAt: at })]],
    ["running", [task("RUNNING"), report({ readyAt: at }), address]],
    ["stopping", [task("RUNNING"), { kind: "stop", at, by: "user", reason: "" }]],
    ["stopping", [task("RUNNING", { stopWanted: true })]],
    ["stopping", [task("RUNNING"), report({ failure: "no" })]],
    ["stopped", [task("STOPPED")]],
    ["stopped", [{ kind: "gone", at, reason: "" }]],
  ])("is %s by its facts", (phase, facts) => {
    expect(derived(...facts).phase).toBe(phase);
  });

  it("gives a start 10 minutes until there is a task", () => {
    expect(derived().deadlineAt).toBe(at + PREPARING_MS);
  });

  it("moves the deadline of what is used, but not beyond its lifetime", () => {
    const running = [task("RUNNING"), report({ readyAt: at }), address];
    expect(derived(...running).deadlineAt).toBe(at + IDLE_MS);
    expect(derived(...running, { kind: "active", at: at + 5 }).deadlineAt).toBe(at + 5 + IDLE_MS);
    const long = derived(...running, { kind: "active", at: at + LIFETIME_MS });
    expect(long.deadlineAt).toBe(at + LIFETIME_MS);
  });
});

describe("conditions", () => {
  const exited = task("STOPPED", { end: { code: "EssentialContainerExited", reason: "x", exitCode: 1 } });

  it("call it failed when the container ended by itself", () => {
    expect(derived(exited).conditions.failed).toContain("ended by itself with code 1");
  });

  it("do not call it failed when it was asked to end", () => {
    const { conditions } = derived({ kind: "stop", at, by: "user", reason: "" }, exited);
    expect(conditions).toEqual({ stoppedByRequest: true });
  });

  it("say that memory was used up", () => {
    const end = { code: "EssentialContainerExited", reason: "x", containerReason: "OutOfMemoryError: killed" };
    expect(derived(task("STOPPED", { end })).conditions.failed).toContain("memory");
  });

  it.each(["SpotInterruption", "TerminationNotice"])("call %s an interruption, with the reason", (code) => {
    const { conditions } = derived(task("RUNNING", { stopWanted: true, end: { code, reason: "Said so." } }));
    expect(conditions.interrupted).toContain("Said so");
    expect(conditions.failed).toBeUndefined();
  });

  it("say why it ran into a limit", () => {
    const { conditions } = derived({
      kind: "stop",
      at,
      by: "idle",
      reason: "Stopped after 30 minutes without activity",
    });
    expect(conditions).toEqual({ timeout: "Stopped after 30 minutes without activity" });
  });

  it("give a reason for every end", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const instance = joinAll(freshInstance(), facts);
        const { phase, conditions } = derive(instance);
        const isSilent = Object.values(instance.tasks).every((one) => one.end === undefined) && !instance.gone;
        if (phase === "stopped" && !isSilent) expect(Object.keys(conditions)).not.toHaveLength(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe("stages", () => {
  const ORDER = ["queue", "volume", "task", "supervisor", "clone", "ide"];

  it("come in order, one at a time until the supervisor speaks, with times that fit", () => {
    fc.assert(
      fc.property(manyFacts, (facts) => {
        const { stages, phase } = derived(...facts);
        expect(stages.map(({ name }) => name)).toEqual(ORDER);
        const ours = stages.slice(0, 4);
        const isEnding = phase === "stopping" || phase === "stopped";
        const active = ours.findIndex(({ state }) => state === "active");
        if (isEnding) expect(stages.some(({ state }) => state === "active" || state === "waiting")).toBe(false);
        if (!isEnding && active >= 0) {
          expect(ours.slice(0, active).every(({ state }) => state === "done" || state === "skipped")).toBe(true);
          expect(stages.slice(active + 1).every(({ state }) => state === "waiting")).toBe(true);
        }
        if (phase === "running") expect(ours.every(({ state }) => state === "done" || state === "skipped")).toBe(true);
        for (const { startedAt, endedAt } of stages) {
          if (startedAt !== undefined && endedAt !== undefined) expect(endedAt).toBeGreaterThanOrEqual(startedAt);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("say what a start waits for", () => {
    const { stages } = derived(
      { kind: "volume", startedAt: at, readyAt: at + 1 },
      { kind: "attempt", number: 1, at: at + 2 },
      { kind: "waiting", at: at + 3, note: "Waiting for capacity", retryAt: at + 3 },
    );
    expect(stages[2]).toEqual({ name: "task", state: "active", startedAt: at + 1, detail: "Waiting for capacity" });
  });

  it("skip the volume when it is there", () => {
    const { stages } = derive(joinAll(freshInstance(true), [{ kind: "attempt", number: 1, at }]));
    expect(stages.map(({ state }) => state)).toEqual(["done", "skipped", "active", "waiting", "waiting", "waiting"]);
  });

  it("mark where a start failed", () => {
    const { stages } = derived({ kind: "attempt", number: 1, at }, { kind: "failure", at: at + 9, message: "no" });
    expect(stages[2]).toMatchObject({ name: "task", state: "failed", endedAt: at + 9 });
  });
});
