import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeWorkspace } from "../test-server.ts";
import {
  type Change,
  GONE_FOR_GOOD,
  liveWorkspaces,
  reduce,
  WorkspaceStore,
  type WorkspaceTable,
} from "./workspace-store.ts";

const ID = "amber-otter-x7k2m3q4";
const OTHER = "teal-heron-b3c4d5e6";
const changed = (id: string, revision: number): Change => ({
  type: "changed",
  workspace: makeWorkspace(id, "running", { revision, createdAt: "", lastUsedAt: "" }),
});

/** As a server says it: of each id, revisions that grow, and at most one deletion, which is last. */
const histories = fc
  .array(fc.record({ changes: fc.integer({ min: 1, max: 6 }), deleted: fc.boolean() }), { minLength: 1, maxLength: 4 })
  .map((workspaces) =>
    workspaces.flatMap(({ changes, deleted }, index): Change[] => {
      const id = `id-${index}`;
      const said = Array.from({ length: changes }, (_, at) => changed(id, at + 1));
      return deleted ? [...said, { type: "deleted", id, revision: changes + 1 }] : said;
    }),
  );
const inAnyOrder = histories.chain((history) =>
  fc.record({
    history: fc.constant(history),
    // Doubled and shuffled, with everything at least once.
    heard: fc
      .array(fc.constantFrom(...history), { maxLength: 12 })
      .chain((again) => fc.shuffledSubarray([...history, ...again], { minLength: history.length + again.length })),
  }),
);
const join = (changes: readonly Change[]) => changes.reduce(reduce, new Map() as WorkspaceTable);
const shown = (table: WorkspaceTable) =>
  liveWorkspaces(table)
    .map(({ id, revision }) => `${id}:${revision}`)
    .sort();

describe("the workspaces that a tab knows", () => {
  it("are the same whatever the order and number in which changes come", () => {
    fc.assert(
      fc.property(inAnyOrder, ({ history, heard }) => {
        expect(shown(join(heard))).toEqual(shown(join(history)));
      }),
    );
  });

  it("never go back to an older revision, nor come back after a deletion", () => {
    fc.assert(
      fc.property(inAnyOrder, ({ heard }) => {
        let table: WorkspaceTable = new Map();
        for (const change of heard) {
          const next = reduce(table, change);
          for (const [id, entry] of table) {
            expect(next.get(id)?.revision).toBeGreaterThanOrEqual(entry.revision);
            if (!entry.workspace) expect(next.get(id)?.workspace).toBeUndefined();
          }
          table = next;
        }
      }),
    );
  });

  it("stay the same object when a change says nothing new, so that nothing is drawn again", () => {
    const table = join([changed(ID, 2)]);
    expect(reduce(table, changed(ID, 2))).toBe(table);
    expect(reduce(table, changed(ID, 1))).toBe(table);
    expect(reduce(table, { type: "deleted", id: ID, revision: 1 })).toBe(table);
  });

  it("keep out a push that comes after the server said that the id is gone", () => {
    const table = join([changed(ID, 1), { type: "deleted", id: ID, revision: GONE_FOR_GOOD }, changed(ID, 99)]);
    expect(liveWorkspaces(table)).toEqual([]);
  });

  it("are listed most recently used first", () => {
    const store = new WorkspaceStore();
    store.put(makeWorkspace(ID, "stopped", { lastUsedAt: "2026-01-01T00:00:00.000Z" }));
    store.put(makeWorkspace(OTHER, "running", { lastUsedAt: "2026-01-02T00:00:00.000Z" }));
    expect(store.list.value.map(({ id }) => id)).toEqual([OTHER, ID]);
  });
});
