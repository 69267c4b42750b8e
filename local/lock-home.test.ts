import { spawnSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HomeLockedError, lockHome } from "./lock-home.ts";
import { temporaryFolder } from "./test-context.ts";

it("gives the state directory to one program, and says which one has it", () => {
  const home = temporaryFolder();
  const release = lockHome(home);
  expect(() => lockHome(home)).toThrow(HomeLockedError);
  expect(() => lockHome(home)).toThrow(`process ${process.pid}`);
  release();
  lockHome(home)();
  expect(readdirSync(home)).toEqual([]);
  rmSync(home, { recursive: true });
});

it("takes over what a killed program left, also when its process id is used again", () => {
  const home = temporaryFolder();
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  for (const holder of [
    { pid: gone, startTime: "" },
    { pid: process.pid, startTime: "1" },
  ]) {
    writeFileSync(join(home, "lock"), JSON.stringify(holder));
    lockHome(home)();
  }
  rmSync(home, { recursive: true });
});
