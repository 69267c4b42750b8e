import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STAGES } from "#protocol/workspace.ts";
import { freshInstance, manyFacts, REQUESTED_AT } from "./arbitrary-facts.ts";
import { type Fact, joinAll } from "./facts.ts";
import { derive } from "./phase.ts";

const at = REQUESTED_AT;
const arn = "t";

function task(status: string, after: number, more: object = {}): Fact {
  return { kind: "task", task: { arn, version: after, status, stopWanted: false, at: at + after, ...more } } as Fact;
}

function report(after: number, more: object): Fact {
  const waiting = { state: "waiting" };
  const facts = { bootId: "aaaaaaaa", sequence: after, clone: waiting, ide: waiting, ports: [], tasks: [], ...more };
  return { kind: "report", at: at + after, report: facts } as unknown as Fact;
}

/** `name from–to state`, with times relative to the request. */
function drawn(...facts: Fact[]): string[] {
  return derive(joinAll(freshInstance(), facts)).spans.map(
    ({ name, parent, startedAt, endedAt, state }) =>
      `${parent ? "  " : ""}${name} ${startedAt - at}–${endedAt === undefined ? "" : endedAt - at} ${state}`,
  );
}

const untilTask: Fact[] = [
  { kind: "volume", startedAt: at + 1, readyAt: at + 5 },
  { kind: "attempt", number: 1, at: at + 6 },
];
const untilHello: Fact[] = [
  ...untilTask,
  task("PROVISIONING", 8, { createdAt: at + 7 }),
  task("PENDING", 12),
  task("ACTIVATING", 20, { pullStartedAt: at + 13, pullStoppedAt: at + 19 }),
  task("RUNNING", 21),
  { kind: "hello", at: at + 23 },
];
const untilReady: Fact[] = [
  ...untilHello,
  { kind: "address", taskArn: arn, publicName: "ec2", at: at + 22 },
  report(30, {
    clone: { state: "done", startedAt: at + 24, endedAt: at + 28 },
    ide: { state: "done", startedAt: at + 24, endedAt: at + 30 },
    readyAt: at + 30,
  }),
];
const START = [
  "queue 0–1 done",
  "volume 1–5 done",
  "task 5–21 done",
  "  attempt-1 6–7 done",
  "  provisioning 7–12 done",
  "  pending 12–20 done",
  "  pull 13–19 done",
  "  activating 20–21 done",
  "supervisor 21–23 done",
  "clone 24–28 done",
  "ide 24–30 done",
  "address 21–22 done",
];

describe("the trace of a run", () => {
  it("shows each part of a start with its time", () => {
    expect(drawn(...untilReady)).toEqual([...START, "running 30– active"]);
  });

  it("goes on to the end of the run", () => {
    const end: Fact[] = [
      { kind: "stop", at: at + 100, by: "user", reason: "Stopped by its owner" },
      task("DEACTIVATING", 101),
      task("STOPPING", 103),
      task("DEPROVISIONING", 107),
      task("STOPPED", 110),
    ];
    expect(drawn(...untilReady, ...end)).toEqual([
      ...START,
      "running 30–100 done",
      "stopping 100–110 done",
      "  deactivating 101–103 done",
      "  ending 103–107 done",
      "  deprovisioning 107–110 done",
    ]);
  });

  it("shows each attempt with what AWS said to it", () => {
    const facts: Fact[] = [
      ...untilTask,
      { kind: "waiting", at: at + 7, note: "Throttled", retryAt: at + 7, attempt: 1 },
      { kind: "refused", number: 1, at: at + 9, note: "No capacity" },
      { kind: "attempt", number: 2, at: at + 12 },
      { kind: "refused", number: 2, at: at + 13, note: "No capacity" },
      { kind: "attempt", number: 3, at: at + 20 },
      task("PROVISIONING", 21),
    ];
    expect(drawn(...facts)).toEqual([
      "queue 0–1 done",
      "volume 1–5 done",
      "task 5– active",
      "  attempt-1 6–9 refused",
      "  attempt-2 12–13 refused",
      "  attempt-3 20–21 done",
      "  provisioning 21– active",
    ]);
    const { spans } = derive(joinAll(freshInstance(), facts));
    expect(spans.filter(({ detail }) => detail === "No capacity").map(({ name }) => name)).toEqual([
      "attempt-1",
      "attempt-2",
    ]);
  });

  it("says where a start failed and why, once", () => {
    const failed = report(29, {
      clone: { state: "failed", startedAt: at + 24, endedAt: at + 29 },
      ide: { state: "active", startedAt: at + 24 },
      failure: "The repository is gone.",
    });
    const { spans, marks } = derive(joinAll(freshInstance(), [...untilHello, failed, task("STOPPED", 40)]));
    expect(spans.filter(({ reason }) => reason)).toEqual([
      {
        name: "clone",
        state: "failed",
        startedAt: at + 24,
        endedAt: at + 29,
        reason: "The repository is gone.",
      },
    ]);
    expect(spans.find(({ name }) => name === "ide")).toMatchObject({ state: "stopped", endedAt: at + 29 });
    expect(marks.map(({ name }) => name)).toEqual(["requested", "hello", "failure", "stopped"]);
  });

  it("marks the part of the task that was cut short", () => {
    const end = { code: "TaskFailedToStart", reason: "CannotPullContainerError: no such image" };
    const facts = [
      ...untilTask,
      task("PROVISIONING", 8),
      task("PENDING", 12, { pullStartedAt: at + 13 }),
      task("STOPPED", 20, { stopWanted: true, stoppingAt: at + 18, end }),
    ];
    expect(drawn(...facts)).toEqual([
      "queue 0–1 done",
      "volume 1–5 done",
      "task 5–18 failed",
      "  attempt-1 6–8 done",
      "  provisioning 8–12 done",
      "  pending 12–18 failed",
      "  pull 13–18 failed",
      "stopping 18–20 done",
    ]);
  });

  it("does not call it a failure when a start is cancelled", () => {
    const stop: Fact = { kind: "stop", at: at + 10, by: "user", reason: "Stopped by its owner" };
    expect(drawn(...untilTask, task("PROVISIONING", 8), stop, task("PENDING", 12))).toEqual([
      "queue 0–1 done",
      "volume 1–5 done",
      "task 5–10 stopped",
      "  attempt-1 6–8 done",
      "  provisioning 8–12 done",
      "stopping 10– active",
    ]);
  });

  it("says why a run that people used broke off", () => {
    const end = { code: "SpotInterruption", reason: "Taken back." };
    const { spans } = derive(
      joinAll(freshInstance(), [...untilReady, task("DEPROVISIONING", 90, { stopWanted: true, end })]),
    );
    expect(spans.find(({ name }) => name === "running")).toMatchObject({
      state: "failed",
      endedAt: at + 90,
      reason: expect.stringContaining("Spot"),
    });
  });

  it("holds together whatever comes in whatever order", () => {
    const states = new Set<string>();
    fc.assert(
      fc.property(manyFacts, fc.boolean(), (facts, volumeKept) => {
        const instance = joinAll(freshInstance(volumeKept), facts);
        const { spans, stages, marks, phase, conditions } = derive(instance);
        const names = spans.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const [index, span] of spans.entries()) {
          states.add(span.state);
          expect(span.endedAt === undefined).toBe(span.state === "active");
          expect(span.endedAt ?? span.startedAt).toBeGreaterThanOrEqual(span.startedAt);
          expect(span.startedAt).toBeGreaterThanOrEqual(instance.requestedAt);
          if (span.parent) expect(names.indexOf(span.parent)).toBeLessThan(index);
        }
        if (phase === "stopped") expect(spans.filter(({ state }) => state === "active")).toEqual([]);
        const why = conditions.failed ?? conditions.timeout ?? conditions.interrupted;
        if (phase === "stopped" && why) expect(marks.find(({ name }) => name === "stopped")?.detail).toBe(why);
        expect(marks.map((mark) => mark.at)).toEqual(marks.map((mark) => mark.at).sort((a, b) => a - b));
        // The stages are a view of it: what is not there has not begun, or was not needed.
        expect(stages.map(({ name }) => name)).toEqual(STAGES);
        for (const stage of stages) {
          const span = spans.find(({ name }) => name === stage.name);
          expect([stage.startedAt, stage.endedAt]).toEqual([span?.startedAt, span?.endedAt]);
        }
      }),
      { numRuns: 1_000 },
    );
    expect([...states].sort()).toEqual(["active", "done", "failed", "refused", "skipped", "stopped"]);
  });
});
