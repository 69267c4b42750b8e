import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { holdLock } from "./hold-lock.ts";

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-lock-"));
  file = join(folder, "deep/work.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nobody = () => {
  throw new Error("waited for nobody");
};

it("lets one work after the other, and says once for whom it waits", async () => {
  const order: string[] = [];
  const waits: number[] = [];
  let end = () => {};
  const first = holdLock(file, nobody, async () => {
    order.push("first begins");
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    order.push("first ends");
  });
  await expect.poll(() => order).toEqual(["first begins"]);
  const second = holdLock(
    file,
    (pid) => waits.push(pid),
    async () => order.push("second"),
  );
  await expect.poll(() => waits).toEqual([process.pid]);
  end();
  await Promise.all([first, second]);
  expect(order).toEqual(["first begins", "first ends", "second"]);
});

it("is free again when the work fails", async () => {
  await expect(holdLock(file, nobody, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(file)).toBe(false);
  expect(await holdLock(file, nobody, async () => 7)).toBe(7);
});

it("takes over from a process that is gone", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  const { pid } = child;
  await new Promise((resolve) => child.once("exit", resolve));
  await holdLock(file, nobody, async () => {});
  await writeFile(file, JSON.stringify({ pid, startTime: "1" }));
  expect(
    await holdLock(
      file,
      () => {},
      async () => "taken",
    ),
  ).toBe("taken");
});

it.runIf(process.platform === "linux")("takes over when the id is another process's now", async () => {
  await holdLock(file, nobody, async () => {
    const own = JSON.parse(await readFile(file, "utf8")) as { pid: number; startTime: string };
    expect(own).toEqual({ pid: process.pid, startTime: expect.stringMatching(/^[0-9]+$/) });
  });
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: "1" }));
  expect(
    await holdLock(
      file,
      () => {},
      async () => "taken",
    ),
  ).toBe("taken");
});
