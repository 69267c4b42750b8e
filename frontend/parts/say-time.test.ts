import { describe, expect, it } from "vitest";
import { sayAgo, sayDuration, sayPrice, saySize } from "./say-time.ts";
import { stageTime } from "./stage-list.tsx";

const NOW = Date.parse("2026-03-20T12:00:00.000Z");
const earlier = (ms: number) => new Date(NOW - ms).toISOString();

describe("times and prices", () => {
  it.each([
    [0, "0.0 s"],
    [4_260, "4.2 s"],
    [59_999, "59.9 s"],
    [64_000, "1 min 04 s"],
    [2 * 3_600_000 + 5 * 60_000, "2 h 05 min"],
    [-3_000, "0.0 s"],
  ])("%d ms last %s", (ms, words) => {
    expect(sayDuration(ms)).toBe(words);
  });

  it.each([
    [5_000, "just now"],
    [60_000, "1 minute ago"],
    [59 * 60_000, "59 minutes ago"],
    [3 * 3_600_000, "3 hours ago"],
    [30 * 3_600_000, "yesterday"],
    [5 * 86_400_000, "5 days ago"],
    [60 * 86_400_000, "19 January"],
    [400 * 86_400_000, "13 February 2025"],
  ])("%d ms ago is %s", (ms, words) => {
    expect(sayAgo(earlier(ms), NOW)).toBe(words);
  });

  it("names prices and sizes", () => {
    expect(sayPrice(0.0844)).toBe("$0.084 an hour");
    expect(sayPrice(1.5)).toBe("$1.50 an hour");
    expect(saySize({ cpu: 2, memoryMiB: 4_096 })).toBe("2 vCPU · 4 GiB");
  });

  it("counts a stage's own time while it is active, and stops at its end", () => {
    const startedAt = earlier(4_200);
    expect(stageTime({ name: "clone", state: "active", startedAt }, NOW)).toBe("4.2 s");
    expect(stageTime({ name: "clone", state: "done", startedAt, endedAt: earlier(1_200) }, NOW)).toBe("3.0 s");
    expect(stageTime({ name: "clone", state: "waiting" }, NOW)).toBe("");
    expect(stageTime({ name: "volume", state: "skipped" }, NOW)).toBe("not needed");
  });
});
