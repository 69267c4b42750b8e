import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setClock } from "#functions/runtime/clock.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { freshInstance, REQUESTED_AT } from "./arbitrary-facts.ts";
import { PREPARING_MS, STOP_CHECK_MS, STOPPING_MS } from "./deadlines.ts";
import { type Fact, joinAll } from "./facts.ts";
import { nextStep } from "./next-step.ts";
import { derive } from "./phase.ts";
import { takeTurn, waitOf } from "./turn-store.ts";
import { hasTurn, type Line, TURN_NOTES } from "./turns.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

const at = REQUESTED_AT;

function waitsIn(line: Line, retryAt: number): Fact {
  return { kind: "waiting", at, note: TURN_NOTES[line], retryAt, line };
}

describe("a line before one of AWS's rates", () => {
  let now = at;
  let restore: () => void;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    restore = setClock({ now: () => now });
    stop = await startTestTable();
  });
  afterAll(async () => {
    restore();
    await stop();
  });

  it("gives turns as often as AWS takes calls, to each a turn of its own", async () => {
    const turns = await Promise.all(Array.from({ length: 40 }, () => takeTurn("run-task")));
    expect(turns.toSorted((a, b) => a - b)).toEqual(turns.map((_, index) => now + 50 * (index + 1)));
    expect(waitOf("run-task")).toBe(2_000);
  });

  it("is over when its last turn is, and begins anew", async () => {
    expect(waitOf("stop-task")).toBe(0);
    await takeTurn("stop-task");
    now += 10_000;
    expect(waitOf("stop-task")).toBe(0);
    expect(await takeTurn("stop-task")).toBe(now + 25);
  });

  it("is not believed in by a clock that was set back", async () => {
    await takeTurn("make-volume");
    now -= 500;
    expect(waitOf("make-volume")).toBe(0);
  });
});

describe("whoever waits for a turn", () => {
  const rowOf = (...facts: Fact[]): WorkspaceRow =>
    ({
      volume: { directory: "d", accessPointId: "a", taskDefinitionArn: "t" },
      instance: joinAll(freshInstance(), facts),
    }) as unknown as WorkspaceRow;

  it("asks for nothing before it, and has 10 minutes from then on", () => {
    const turn = at + 3 * PREPARING_MS;
    const row = rowOf(waitsIn("run-task", turn));
    expect(nextStep(row, at + 2 * PREPARING_MS)).toEqual({ kind: "wait", until: turn });
    expect(derive(row.instance as never).deadlineAt).toBe(turn + PREPARING_MS);
    expect(nextStep(row, turn).kind).toBe("record");
    expect(hasTurn(row.instance as never, "run-task", turn)).toBe(true);
  });

  it("is not said to be gone before it was asked to stop", () => {
    const turn = at + 2 * STOPPING_MS;
    const task: Fact = {
      kind: "task",
      task: { arn: "t", version: 1, status: "RUNNING", stopWanted: false, at },
    } as Fact;
    const row = rowOf(task, { kind: "stop", at, by: "user", reason: "" }, waitsIn("stop-task", turn));
    expect(nextStep(row, turn - 1)).toEqual({ kind: "wait", until: turn });
    expect(nextStep(row, turn).kind).toBe("stop-task");
  });

  it("is not looked for at ECS as soon as it was asked to stop", () => {
    const turn = at + 2 * STOP_CHECK_MS;
    const task: Fact = {
      kind: "task",
      task: { arn: "t", version: 1, status: "RUNNING", stopWanted: true, at },
    } as Fact;
    const row = rowOf(task, { kind: "stop", at, by: "user", reason: "" }, waitsIn("stop-task", turn));
    expect(nextStep(row, turn)).toMatchObject({ kind: "wait" });
    expect(nextStep(row, turn + STOP_CHECK_MS).kind).toBe("find-task");
  });

  it("may be stopped while it waits to start", () => {
    const row = rowOf(waitsIn("run-task", at + PREPARING_MS), { kind: "stop", at, by: "user", reason: "" });
    expect(nextStep(row, at + 1)).toMatchObject({ kind: "record", fact: { kind: "gone" } });
  });
});
