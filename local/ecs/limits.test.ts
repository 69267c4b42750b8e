import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Limits, RATES } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

describe("a token bucket", () => {
  it("gives at most its burst and what has flowed in since, at any pace", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { maxLength: 200 }), (pauses) => {
        const bucket = new TokenBucket({ burst: 20, perSecond: 20 }, 0);
        let now = 0;
        let taken = 0;
        for (const pause of pauses) {
          now += pause;
          while (bucket.take(now)) taken += 1;
          expect(taken).toBeLessThanOrEqual(20 + (now / 1_000) * 20 + 1e-6);
          expect(bucket.available(now)).toBe(0);
        }
      }),
    );
  });

  it("holds no more than its burst after a long rest", () => {
    const bucket = new TokenBucket({ burst: 5, perSecond: 1 }, 0);
    expect(bucket.available(3_600_000)).toBe(5);
  });

  it("takes all or nothing", () => {
    const bucket = new TokenBucket({ burst: 5, perSecond: 1 }, 0);
    expect(bucket.take(0, 6)).toBe(false);
    expect(bucket.available(0)).toBe(5);
  });
});

describe("the limits of an account", () => {
  it("register 20 definitions at once, and then one a second", () => {
    let now = 0;
    const limits = new Limits(() => now);
    for (let i = 0; i < RATES.taskDefinitionModify.burst; i += 1) limits.takeCall("taskDefinitionModify");
    expect(() => limits.takeCall("taskDefinitionModify")).toThrow(
      expect.objectContaining({ code: "ThrottlingException", status: 400 }),
    );
    now = 1_000;
    limits.takeCall("taskDefinitionModify");
    expect(() => limits.takeCall("taskDefinitionModify")).toThrow("Rate exceeded");
  });

  it("take nothing from one bucket when another is empty", () => {
    const limits = new Limits(() => 0);
    for (let i = 0; i < RATES.runTask.burst; i += 1) limits.takeCall("runTask");
    for (let i = 0; i < 50; i += 1) expect(() => limits.takeCall("runTask", "clusterModify")).toThrow("Rate exceeded");
    for (let i = 0; i < RATES.clusterModify.burst; i += 1) limits.takeCall("clusterModify");
  });

  it("launch 5,000 tasks in the time that Fargate takes for them", () => {
    let now = 0;
    const limits = new Limits(() => now);
    for (let started = 0; started < 5_000; ) {
      try {
        limits.takeCall("runTask", "clusterModify");
        limits.takeLaunches("FARGATE", 1);
        started += 1;
      } catch {
        now += 10;
      }
    }
    expect(now / 1_000).toBeGreaterThanOrEqual((5_000 - 20) / 20);
    expect(now / 1_000).toBeLessThan(((5_000 - 20) / 20) * 1.02);
  });

  it("count Spot launches apart", () => {
    const limits = new Limits(() => 0);
    limits.takeLaunches("FARGATE", 100);
    expect(() => limits.takeLaunches("FARGATE", 1)).toThrow("launch rate");
    limits.takeLaunches("FARGATE_SPOT", 100);
  });
});
