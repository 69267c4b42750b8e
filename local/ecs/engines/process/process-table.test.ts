import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { expect, it } from "vitest";
import { environmentHolds, parseStat, readProcess, readProcesses } from "./process-table.ts";

it("reads a stat line whatever the command is called", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat(), (name, pid, parent, startTime) => {
      const rest = `S ${parent} 5 6 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 ${startTime} 100 200`;
      expect(parseStat(`${pid} (${name}) ${rest}\n`)).toEqual({ pid, parent, session: 6, startTime, isDead: false });
    }),
  );
});

it.each(["Z", "X"])("takes state %s for dead", (state) => {
  expect(parseStat(`1 (a) ${state} 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0`)?.isDead).toBe(true);
});

it("gives undefined for what is no stat line", () => {
  for (const text of ["", "nonsense", "12 (a)"]) expect(parseStat(text)).toBeUndefined();
});

it("finds a real process by pid, with its parent, session and environment", async () => {
  const child = spawn("sleep", ["60"], { detached: true, env: { MARK: "a-mark" }, stdio: "ignore" });
  await once(child, "spawn");
  const pid = child.pid as number;
  const found = readProcess(pid);
  expect(found).toMatchObject({ pid, parent: process.pid, session: pid, isDead: false });
  expect(readProcesses()).toContainEqual(found);
  expect(environmentHolds(pid, "a-mark")).toBe(true);
  expect(environmentHolds(pid, "another")).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(readProcess(pid)).toBeUndefined();
});
