import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunLog } from "./log-store.ts";

const chunk = (sequence: number) => ({ sequence, text: `${sequence}\n` });

describe("the log of a run", () => {
  it("reads in order, each chunk once, in whatever order and number the chunks come", () => {
    const arrivals = fc.integer({ min: 1, max: 12 }).chain((count) => {
      const all = Array.from({ length: count }, (_, index) => index + 1);
      return fc.shuffledSubarray([...all, ...all], { minLength: count * 2 }).map((order) => ({ all, order }));
    });
    fc.assert(
      fc.property(arrivals, ({ all, order }) => {
        const log = new RunLog();
        for (const sequence of order) log.add([chunk(sequence)]);
        expect(log.view.value.lines).toEqual(all.map(String));
        expect(log.completeTo).toBe(all.length);
      }),
    );
  });

  it("says when something is missing in between or before", () => {
    const log = new RunLog();
    expect(log.add([chunk(3)])).toBe(true);
    expect(log.completeTo).toBe(0);
    expect(log.add([chunk(1), chunk(2)])).toBe(false);
    expect(log.completeTo).toBe(3);
    expect(log.add([chunk(5)])).toBe(true);
  });

  it("takes the server's word for what is no longer kept", () => {
    const log = new RunLog();
    log.add([chunk(9)]);
    expect(log.add([chunk(7), chunk(8), chunk(9)], 0)).toBe(false);
    expect(log.completeTo).toBe(9);
    expect(log.view.value.lines).toEqual(["7", "8", "9"]);
  });
});
