import fc from "fast-check";
import { expect, it } from "vitest";
import { digestOf } from "./digest.ts";

const workspaces = fc.uniqueArray(
  fc.record({ id: fc.stringMatching(/^[a-z2-7]{8}$/), revision: fc.integer({ min: 1, max: 99 }) }),
  {
    selector: ({ id }) => id,
    maxLength: 6,
  },
);

it("is the same in any order", () => {
  fc.assert(
    fc.property(workspaces, (list) => {
      expect(digestOf(list.toReversed())).toBe(digestOf(list));
    }),
  );
});

// Found by simulated histories: two workspaces went on by the same steps while a tab was away, their changes cancelled each other
// out in the sum, and the tab showed the old state for ever.
it("differs when several workspaces went on", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(workspaces, steps, (list, more) => {
      const later = list.map(({ id, revision }, index) => ({ id, revision: revision + (more[index] ?? 0) }));
      const isSame = later.every(({ revision }, index) => revision === list[index]?.revision);
      expect(digestOf(later) === digestOf(list)).toBe(isSame);
    }),
    { numRuns: 20_000 },
  );
});
