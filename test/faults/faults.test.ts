import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DEFECTS } from "./defects.ts";
import { planHistory } from "./plan-history.ts";
import { runHistory } from "./run-history.ts";
import { runMany } from "./run-many.ts";
import { describeFailure, shrink } from "./shrink.ts";

/** `.ci/run` asks for a thousand. */
const SEEDS = Number(process.env.ATELIER_SEEDS ?? 100);
const MINUTE_MS = 60_000;

describe("simulated histories", () => {
  it(`hold for ${SEEDS} seeds`, { timeout: 20 * MINUTE_MS }, async () => {
    const tally = await runMany(1, SEEDS, () => undefined);
    console.log(tally.describe());
    const [failed] = tally.failed;
    if (failed !== undefined) throw new Error(describeFailure(await shrink(planHistory(failed))));
  });

  it("are the same whenever they are played", { timeout: 5 * MINUTE_MS }, async () => {
    const play = async (seed: number): Promise<string> => {
      const { log, calls, startedAt } = await runHistory(planHistory(seed));
      const lines = log.map(({ at, from }) => `${at - startedAt} ${from}`);
      return createHash("sha256")
        .update(`${calls} ${lines.join("\n")}`)
        .digest("hex");
    };
    const first = await play(9);
    await play(8);
    expect(await play(9)).toBe(first);
  });

  it.for(DEFECTS)("find a defect of invariant $invariant: $what", { timeout: 10 * MINUTE_MS }, async (defect) => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const { violations } = await runHistory(planHistory(seed), defect);
      if (violations.some(({ invariant }) => invariant === defect.invariant)) return;
    }
    throw new Error("30 histories did not find it.");
  });

  it("are shrunk to what the failure needs", { timeout: 10 * MINUTE_MS }, async () => {
    const [slots] = DEFECTS.filter(({ invariant }) => invariant === 4);
    const { history, outcome } = await shrink(planHistory(1), slots);
    expect(outcome.violations[0]?.invariant).toBe(4);
    expect(history.faults).toEqual([]);
    expect(history.actions.length).toBeLessThanOrEqual(2);
    expect(describeFailure({ history, outcome })).toContain("--seed 1");
  });
});
