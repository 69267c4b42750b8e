import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeOn, sayTick, ticksOf } from "./time-axis.ts";

const length = fc.integer({ min: 0, max: 40 * 3_600_000 });

describe("the axis of a waterfall", () => {
  it("places bars by their share of its length", () => {
    expect(placeOn({ from: 1_000, to: 2_000 }, 1_250, 1_750)).toEqual({ left: 25, width: 50 });
  });

  it("keeps every bar within its edges", () => {
    fc.assert(
      fc.property(fc.integer(), length, fc.integer(), fc.integer(), (from, long, startedAt, endedAt) => {
        const { left, width } = placeOn({ from, to: from + long }, startedAt, endedAt);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(width).toBeGreaterThanOrEqual(0);
        expect(left + width).toBeLessThanOrEqual(100.000_1);
      }),
    );
  });

  it("has one to six ticks, evenly apart, from its beginning", () => {
    fc.assert(
      fc.property(fc.integer(), length, (from, long) => {
        const ticks = ticksOf({ from, to: from + long });
        expect(ticks[0]).toBe(0);
        expect(ticks.length).toBeLessThanOrEqual(6);
        for (const [index, tick] of ticks.entries()) expect(tick).toBe(index * (ticks[1] ?? 0));
        expect(ticks.at(-1)).toBeLessThanOrEqual(long);
      }),
    );
  });

  it.each([
    [0, "0 s"],
    [200, "200 ms"],
    [5_000, "5 s"],
    [120_000, "2 min"],
  ])("calls %d ms %s", (ms, words) => {
    expect(sayTick(ms)).toBe(words);
  });
});
