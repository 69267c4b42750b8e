import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeSocketFolder } from "./socket-folder.ts";

let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "sockets-"));
});

afterEach(() => rm(state, { recursive: true, force: true }));

describe("a folder for sockets", () => {
  it("is in the state, for this account only, and without what a crash has left", async () => {
    await writeFile(join(await makeSocketFolder(state), "left"), "");
    const folder = await makeSocketFolder(state);
    expect(folder.startsWith(state)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it.each([undefined, `/${"long/".repeat(30)}`])("is a temporary one when the state is %s", async (directory) => {
    const folder = await makeSocketFolder(directory);
    expect(folder.startsWith(tmpdir())).toBe(true);
    await rm(folder, { recursive: true });
  });
});
