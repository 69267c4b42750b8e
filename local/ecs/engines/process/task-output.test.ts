import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HeldClock } from "../../../clock.ts";
import { TaskOutput } from "./task-output.ts";

let folder: string;
let output: TaskOutput;
const clock = new HeldClock();
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "atelier-output-"));
  output = new TaskOutput(folder, clock);
  await output.open();
});
afterEach(async () => {
  output.close();
  await rm(folder, { recursive: true, force: true });
});

it("drops the older part of what a task writes, and goes on with what it writes next", async () => {
  const file = path.join(folder, "a.log");
  const handle = await output.openFor("a");
  for (let i = 0; i < 5; i += 1) await handle.write(`${i}`.repeat(1024 * 1024));
  const deadline = Date.now() + 10_000;
  const shortened = 256 * 1024 + "[older output was dropped]\n".length;
  while ((await stat(file)).size !== shortened) {
    expect(Date.now()).toBeLessThan(deadline);
    await clock.advance(1_000);
  }
  await handle.write("the end");
  await handle.close();
  const left = await readFile(file, "utf8");
  expect(left.replaceAll("4", "")).toBe("[older output was dropped]\nthe end");
});

it("gives the last lines, in one line, without colours", async () => {
  const handle = await output.openFor("b");
  await handle.write(`${"first\n".repeat(20)}\u001b[31mError: no\u001b[0m\r\n  at x\n\n`);
  await handle.close();
  expect(await output.tail("b")).toBe(`${"first | ".repeat(6)}Error: no | at x`);
});

it("gives undefined for a task that wrote nothing", async () => {
  expect(await output.tail("never")).toBeUndefined();
});
