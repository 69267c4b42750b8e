import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { removeDirectory } from "./remove-directory.ts";

process.env.LOG_LEVEL = "off";
const NAME = "a".repeat(32);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "remove-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("removes the directory with its files, and nothing beside it; a missing one is fine", async () => {
  await mkdir(join(folder, NAME, "deep"), { recursive: true });
  await writeFile(join(folder, NAME, "deep", "file"), "x");
  await mkdir(join(folder, "b".repeat(32)));
  await removeDirectory(folder, NAME);
  await removeDirectory(folder, NAME);
  expect(await readdir(folder)).toEqual(["b".repeat(32)]);
});

it("does not follow links out of the folder", async () => {
  const outside = await mkdtemp(join(tmpdir(), "outside-"));
  await writeFile(join(outside, "kept"), "x");
  await mkdir(join(folder, NAME));
  await symlink(outside, join(folder, NAME, "link"));
  await removeDirectory(folder, NAME);
  expect(await readdir(outside)).toEqual(["kept"]);
  await rm(outside, { recursive: true });
});

it.each(["", ".", "..", `../${"a".repeat(29)}`, "a".repeat(31), `${"a".repeat(31)}/`, "A".repeat(32)])(
  "refuses the name %j",
  async (name) => {
    await expect(removeDirectory(folder, name)).rejects.toThrow("not the name");
    expect(await readdir(join(folder, ".."))).toContain(folder.split("/").at(-1));
  },
);
