import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, inject, it, vi } from "vitest";
import { LIFETIME_MS } from "#functions/workspaces/deadlines.ts";
import { DEFECTS } from "./defects.ts";
import type { Violation } from "./monitor.ts";
import { planHistory } from "./plan-history.ts";
import { type Played, SEEDS } from "./play-beside.ts";
import { runHistory } from "./run-history.ts";
import { describeFailure, shrink } from "./shrink.ts";

/** `.ci/run` asks, too, whether the net catches what it should; `npm test` must stay within minutes. */
const isLong = Boolean(process.env.ATELIER_SEEDS);
const MINUTE_MS = 60_000;

describe("simulated histories", () => {
  it.for(["stop", "delete"] as const)(
    "end a run within 30 s of a %s, at whatever moment of its life",
    { timeout: 10 * MINUTE_MS },
    async (name) => {
      for (const atMs of momentsOfALife()) {
        const action = { user: "ann", nth: 0, ms: 0 } as const;
        const actions = [
          { ...action, atMs: 0, name: "create" as const },
          { ...action, atMs, name },
        ];
        const { violations, ends, startedAt } = await runHistory({ seed: 1, actions, faults: [] });
        expect(violations).toEqual([]);
        const [run = "", workspace = ""] = [...ends.keys()];
        expect(run).toBe(`${workspace}-r1`);
        const end = ends.get(name === "stop" ? run : workspace) ?? Number.POSITIVE_INFINITY;
        expect(end - startedAt - atMs, `asked after ${atMs} ms`).toBeLessThanOrEqual(30_000);
      }
    },
  );

  it("start a run again within 30 s of a stop, at whatever moment of its life", {
    timeout: 10 * MINUTE_MS,
  }, async () => {
    for (const atMs of momentsOfALife()) {
      const action = { user: "ann", nth: 0, ms: 0 } as const;
      // Pressed at once and, since a run that is still stopping says no, again and again.
      const starts = Array.from({ length: 15 }, (_, nth) => atMs + 100 + 2_000 * nth);
      const { violations, begins, ends, startedAt } = await runHistory({
        seed: 1,
        actions: [
          { ...action, atMs: 0, name: "create" as const },
          { ...action, atMs, name: "stop" as const },
          ...starts.map((at) => ({ ...action, atMs: at, name: "start" as const })),
        ],
        faults: [],
      });
      expect(violations).toEqual([]);
      const [first = "", second = "", ...more] = [...begins.keys()];
      expect([first.endsWith("-r1"), second.endsWith("-r2"), more]).toEqual([true, true, []]);
      const [ended = Number.POSITIVE_INFINITY, begun = 0] = [ends.get(first), begins.get(second)];
      expect(ended, `asked after ${atMs} ms`).toBeLessThanOrEqual(begun);
      expect(begun - startedAt - atMs, `asked after ${atMs} ms`).toBeLessThanOrEqual(30_000);
    }
  });

  it.for([0, 500, 2_000, 9_000, 20_000, 40_000])(
    "tell the truth 10 s after a new start, when the cloud was killed after %i ms",
    { timeout: 5 * MINUTE_MS },
    async (atMs) => {
      const action = { user: "ann", nth: 0 } as const;
      const actions = [
        { ...action, atMs: 0, ms: 0, name: "create" as const },
        { ...action, atMs, ms: 3_000, name: "kill cloud" as const },
      ];
      const { violations } = await runHistory({ seed: 1, actions, faults: [] });
      expect(violations).toEqual([]);
    },
  );

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

  it.runIf(isLong)(
    "end a run after 36 hours, though somebody uses it all the time",
    {
      timeout: 10 * MINUTE_MS,
    },
    async () => {
      const action = { user: "ann", nth: 0, ms: 0 } as const;
      const actions = [
        { ...action, atMs: 0, name: "create" as const },
        { ...action, atMs: LIFETIME_MS + 3 * MINUTE_MS, name: "open tab" as const },
      ];
      const { violations, states, ends, startedAt } = await runHistory({ seed: 1, actions, faults: [] });
      expect(violations).toEqual([]);
      expect([...states.keys()].filter((state) => state.startsWith("stopped"))).toEqual(["stopped (lifetime)"]);
      const [end = 0] = [...ends.values()];
      expect(end - startedAt).toBeGreaterThan(LIFETIME_MS);
      expect(end - startedAt).toBeLessThan(LIFETIME_MS + 3 * MINUTE_MS);
    },
  );

  it.runIf(isLong).for(DEFECTS)(
    "find a defect of invariant $invariant: $what",
    { timeout: 10 * MINUTE_MS },
    async (defect) => {
      for (let seed = 1, played = 0; played < 30; seed += 1) {
        const plan = planHistory(seed);
        if (defect.among && !plan.actions.some(({ name }) => name === defect.among)) continue;
        played += 1;
        const { violations } = await runHistory(defect.isPeaceful ? { ...plan, faults: [] } : plan, defect);
        const isIt = ({ invariant, text }: Violation): boolean =>
          invariant === defect.invariant && (defect.finds?.test(text) ?? true);
        if (violations.some(isIt)) return;
      }
      throw new Error("30 histories did not find it.");
    },
  );

  it.runIf(isLong)("are shrunk to what the failure needs", { timeout: 10 * MINUTE_MS }, async () => {
    const [slots] = DEFECTS.filter(({ invariant }) => invariant === 4);
    const { history, outcome } = await shrink(planHistory(1), slots);
    expect(outcome.violations[0]?.invariant).toBe(4);
    expect(history.faults).toEqual([]);
    expect(history.actions.length).toBeLessThanOrEqual(2);
    expect(describeFailure({ history, outcome })).toContain("--seed 1");
  });

  it(`hold for ${SEEDS} seeds`, { timeout: 15 * MINUTE_MS + SEEDS * 4_000 }, async () => {
    const file = inject("histories");
    await vi.waitUntil(() => existsSync(file), { timeout: 10 * MINUTE_MS + SEEDS * 4_000, interval: 100 });
    const { text, failed } = JSON.parse(readFileSync(file, "utf8")) as Played;
    console.log(text);
    for (const seed of failed.slice(0, 1)) throw new Error(describeFailure(await shrink(planHistory(seed))));
    expect(text).toMatch(new RegExp(`^${SEEDS} histories [^]*All held\\.$`));
  });
});

/** Milliseconds after a start, closer together where more happens. */
function momentsOfALife(): number[] {
  const moments: number[] = [];
  for (let atMs = 400; atMs < 22_000; atMs = Math.round(atMs * (isLong ? 1.4 : 2) + 50)) moments.push(atMs);
  return moments;
}
