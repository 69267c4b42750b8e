import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WORKSPACE_ID } from "#protocol/ids.ts";
import { freshInstance, manyFacts, REQUESTED_AT } from "./arbitrary-facts.ts";
import { CLASSES, DEFAULT_CLASS } from "./classes.ts";
import { joinAll } from "./facts.ts";
import { ANIMALS, COLOURS, makeWorkspaceId } from "./make-workspace-id.ts";
import { nextStep } from "./next-step.ts";
import { derive } from "./phase.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { parseWorkspaceUrl } from "./workspace-url.ts";

describe("ids", () => {
  it("are well formed with every word", () => {
    for (const colour of COLOURS) expect(`${colour}-otter-aaaaaaaa`).toMatch(WORKSPACE_ID);
    for (const animal of ANIMALS) expect(`amber-${animal}-aaaaaaaa`).toMatch(WORKSPACE_ID);
    expect(makeWorkspaceId()).toMatch(WORKSPACE_ID);
  });
});

describe("classes", () => {
  it("cost what AWS asks for the machine and its address", () => {
    const prices = Object.fromEntries(CLASSES.map(({ id, dollarsPerHour }) => [id, dollarsPerHour]));
    expect(prices).toMatchObject({ small: 0.0445, standard: 0.084 });
    expect(Object.keys(prices)).toContain(DEFAULT_CLASS);
  });
});

describe("nextStep", () => {
  const rowOf = (more: object): WorkspaceRow => ({ volume: { directory: "d" }, ...more }) as WorkspaceRow;

  it("always has something to do, or a time, for what ends and is past its deadline", () => {
    fc.assert(
      fc.property(manyFacts, fc.boolean(), (facts, isDeleted) => {
        const instance = joinAll(freshInstance(), facts);
        const { phase, deadlineAt = 0 } = derive(instance);
        const row = rowOf({ instance, ...(isDeleted ? { deleted: { at: 1, by: "u" } } : {}) });
        const now = Math.max(deadlineAt, REQUESTED_AT) + 1;
        const { kind } = nextStep(row, now);
        if (phase !== "stopped") expect(["nothing", "wait"]).not.toContain(kind);
        if (phase === "stopped" && isDeleted) expect(kind).not.toBe("nothing");
      }),
      { numRuns: 1_000 },
    );
  });

  it("begins an attempt only after AWS answered that the one before started nothing", () => {
    const volume = { directory: "d", accessPointId: "a", taskDefinitionArn: "t" };
    const begun = joinAll(freshInstance(), [{ kind: "attempt", number: 1, at: REQUESTED_AT }]);
    expect(nextStep(rowOf({ volume, instance: begun }), REQUESTED_AT)).toEqual({ kind: "run-task", attempt: 1 });
    const refused = joinAll(begun, [{ kind: "refused", number: 1 }]);
    expect(nextStep(rowOf({ volume, instance: refused }), REQUESTED_AT)).toMatchObject({
      kind: "record",
      fact: { kind: "attempt", number: 2 },
    });
  });
});

describe("an address of a workspace", () => {
  it("is never one of another host, whatever is given", () => {
    const site = { scheme: "http:", hostSuffix: ".ws.localhost:4000" };
    const parts = fc.constantFrom(
      "http:",
      "//",
      "/",
      "@",
      "amber-otter-aaaaaaaa",
      ".ws.localhost:4000",
      "evil.example",
      "?",
      "#",
      "\\",
      "3000-",
      ".",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 9 }), (pieces) => {
        const found = parseWorkspaceUrl(pieces.join(""), site);
        if (found) expect(new URL(found.url).host).toMatch(/^([0-9]+-)?amber-otter-aaaaaaaa\.ws\.localhost:4000$/);
        if (found) expect(new URL(found.path, "http://base.example").host).toBe("base.example");
      }),
      { numRuns: 2_000 },
    );
    expect(parseWorkspaceUrl("http://3000-amber-otter-aaaaaaaa.ws.localhost:4000//x?y", site)).toEqual({
      workspaceId: "amber-otter-aaaaaaaa",
      port: 3_000,
      path: "/x?y",
      url: "http://3000-amber-otter-aaaaaaaa.ws.localhost:4000/x?y",
    });
  });
});
