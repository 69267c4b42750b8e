import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { removeTree } from "./remove-tree.ts";
import { TaskFolders, type Volumes } from "./task-folders.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "atelier-folders-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const mount = { containerPath: "/workspace", readOnly: false, source: { accessPoint: "fsap-1" } };
const volumes = (answer: () => Promise<string>): Volumes => ({ folderOf: answer, folderOfDirectory: answer });

it("says what to do when the disk is full", async () => {
  const full = volumes(() => Promise.reject(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" })));
  await expect(new TaskFolders(folder, full).mount(mount)).rejects.toMatchObject({
    code: "ResourceInitializationError",
    message: expect.stringMatching(/the disk is full\. Free some space/),
  });
});

it("says which folder cannot be used", async () => {
  const missing = path.join(folder, "missing");
  const folders = new TaskFolders(
    folder,
    volumes(async () => missing),
  );
  await expect(folders.mount(mount)).rejects.toThrow(`ResourceInitializationError: ${missing} cannot be used`);
});

it("says that an ephemeral disk cannot be made", async () => {
  const file = path.join(folder, "file");
  await writeFile(file, "");
  const folders = new TaskFolders(
    file,
    volumes(async () => folder),
  );
  await expect(folders.ephemeral("1")).rejects.toThrow(/ResourceInitializationError: the task's ephemeral disk/);
});

it("removes the disks of all tasks but those that live", async () => {
  const disks = path.join(folder, "disks");
  const folders = new TaskFolders(
    disks,
    volumes(async () => folder),
  );
  for (const id of ["a", "b"]) await folders.ephemeral(id);
  await folders.discardOthers(new Set(["b"]));
  await expect(stat(path.join(disks, "a"))).rejects.toThrow("ENOENT");
  expect((await stat(path.join(disks, "b"))).isDirectory()).toBe(true);
});

it("removes folders that their owner may not write", async () => {
  const tree = path.join(folder, "tree");
  await mkdir(path.join(tree, "module"), { recursive: true });
  await writeFile(path.join(tree, "module", "file"), "");
  await chmod(path.join(tree, "module"), 0o500);
  await removeTree(tree);
  await expect(stat(tree)).rejects.toThrow("ENOENT");
});
