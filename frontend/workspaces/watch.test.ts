import { describe, expect, it } from "vitest";
import type { Phase } from "#protocol/workspace.ts";
import { makeWorkspace } from "../test-server.ts";
import { type Watch, watch } from "./open-existing.ts";
import { mainActionOf, refName, repositoryName, stateOf, whyStopped } from "./state-words.ts";

const ID = "amber-otter-x7k2m3q4";
function goesOnAfter(...phases: Phase[]): boolean {
  let seen: Watch | undefined;
  for (const phase of phases) seen = watch(seen, makeWorkspace(ID, phase));
  return seen?.goesOn ?? false;
}

describe("a start page", () => {
  it("goes on to the IDE when the workspace runs", () => {
    expect(goesOnAfter("running")).toBe(true);
    expect(goesOnAfter("preparing", "creating", "initializing", "running")).toBe(true);
  });

  it("stays after it saw the end of a run, even when another one begins elsewhere", () => {
    expect(goesOnAfter("running", "stopping")).toBe(false);
    expect(goesOnAfter("running", "stopping", "stopped", "preparing", "running")).toBe(false);
  });
});

describe("words for a state", () => {
  it("tell a failed run from a stopped one", () => {
    const workspace = makeWorkspace(ID, "stopped");
    expect(stateOf(workspace)).toEqual({ tone: "stopped", word: "Stopped" });
    if (workspace.instance) workspace.instance.conditions = { failed: "No place." };
    expect(stateOf(workspace)).toEqual({ tone: "failed", word: "Failed" });
  });

  it("give the server's reason for an end, or a plain one", () => {
    const { instance } = makeWorkspace(ID, "stopped");
    if (!instance) throw new Error("no instance");
    expect(whyStopped({ ...instance, conditions: { timeout: "Stopped after 30 minutes without activity." } })).toBe(
      "Stopped after 30 minutes without activity.",
    );
    expect(whyStopped({ ...instance, conditions: { stoppedByRequest: true } })).toBe(
      "Stopped because you asked for it.",
    );
  });

  it("name repository and ref as people do", () => {
    const workspace = makeWorkspace(ID, "running");
    expect(`${repositoryName(workspace)} ${refName(workspace)}`).toBe("acme/shop main");
    workspace.context = { ...workspace.context, ref: "refs/pull/7/head", refType: "ref" };
    expect(refName(workspace)).toBe("pull/7/head");
    workspace.context = { ...workspace.context, refType: "revision" };
    expect(refName(workspace)).toBe("3f2a91c0");
  });

  it("offer one main action", () => {
    expect(mainActionOf(makeWorkspace(ID, "running"))).toBe("open");
    expect(mainActionOf(makeWorkspace(ID, "creating"))).toBe("watch");
    expect(mainActionOf(makeWorkspace(ID, "stopped"))).toBe("start");
  });
});
