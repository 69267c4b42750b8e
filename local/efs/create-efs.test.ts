import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  CreateAccessPointCommand,
  type CreateAccessPointCommandInput,
  DeleteAccessPointCommand,
  DescribeAccessPointsCommand,
  DescribeFileSystemsCommand,
} from "@aws-sdk/client-efs";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestCloud, type TestCloud } from "../ecs/test-cloud.ts";
import { checkPath } from "./access-point.ts";

let stateDirectory: string;
let cloud: TestCloud;
beforeEach(async () => {
  stateDirectory = await mkdtemp(path.join(tmpdir(), "atelier-efs-test-"));
  cloud = await startTestCloud({ stateDirectory });
});
afterEach(async () => {
  await cloud.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});

const rootDirectory = (Path: string) => ({
  Path,
  CreationInfo: { OwnerUid: 1000, OwnerGid: 1000, Permissions: "0750" },
});

function create(more: Partial<CreateAccessPointCommandInput> = {}) {
  return cloud.efsClient.send(
    new CreateAccessPointCommand({
      ClientToken: "amber-otter",
      FileSystemId: cloud.fileSystemId,
      PosixUser: { Uid: 1000, Gid: 1000 },
      RootDirectory: rootDirectory("/workspaces/abc"),
      ...more,
    }),
  );
}

describe("an access point", () => {
  it("is a folder that is made at the first mount, with the permissions that were asked for", async () => {
    const { AccessPointId = "", AccessPointArn = "" } = await create();
    const expected = path.join(stateDirectory, "efs", cloud.fileSystemId, "workspaces", "abc");
    await expect(stat(expected)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await cloud.efs.folderOf(AccessPointId)).toBe(expected);
    expect(await cloud.efs.folderOf(AccessPointArn)).toBe(expected);
    expect(((await stat(expected)).mode & 0o777).toString(8)).toBe("750");
  });

  it("is found by the token that made it", async () => {
    const { AccessPointId } = await create();
    await expect(create()).rejects.toMatchObject({ name: "AccessPointAlreadyExists", AccessPointId });
    await expect(create({ RootDirectory: rootDirectory("/other") })).rejects.toMatchObject({ AccessPointId });
  });

  it("leaves its files when it is deleted, and frees its token", async () => {
    const { AccessPointId = "" } = await create();
    await writeFile(path.join(await cloud.efs.folderOf(AccessPointId), "work"), "precious");
    await cloud.efsClient.send(new DeleteAccessPointCommand({ AccessPointId }));
    await expect(cloud.efs.folderOf(AccessPointId)).rejects.toThrow("does not exist");
    const again = await create();
    expect(again.AccessPointId).not.toBe(AccessPointId);
    expect(await readFile(path.join(await cloud.efs.folderOf(again.AccessPointId ?? ""), "work"), "utf8")).toBe(
      "precious",
    );
  });

  it("is there after a restart", async () => {
    const { AccessPointId } = await create();
    const [folder, fileSystemId] = [await cloud.efs.folderOf(AccessPointId ?? ""), cloud.fileSystemId];
    await cloud.stop();
    cloud = await startTestCloud({ stateDirectory });
    expect(cloud.fileSystemId).toBe(fileSystemId);
    expect(await cloud.efs.folderOf(AccessPointId ?? "")).toBe(folder);
    await expect(create()).rejects.toMatchObject({ AccessPointId });
  });

  it("is not mounted when its directory is missing and it does not say how to make it", async () => {
    const { AccessPointId = "" } = await create({ RootDirectory: { Path: "/missing" } });
    await expect(cloud.efs.folderOf(AccessPointId)).rejects.toThrow("the directory does not exist");
  });

  it.each([
    ["a path that climbs out", { RootDirectory: rootDirectory("/a/../../b") }, "BadRequest"],
    ["a path of five levels", { RootDirectory: rootDirectory("/a/b/c/d/e") }, "BadRequest"],
    ["a relative path", { RootDirectory: rootDirectory("a") }, "BadRequest"],
    [
      "permissions that are none",
      { RootDirectory: { Path: "/a", CreationInfo: { OwnerUid: 1, OwnerGid: 1, Permissions: "rwx" } } },
      "BadRequest",
    ],
    ["a file system that is not there", { FileSystemId: "fs-0" }, "FileSystemNotFound"],
    ["a token that is too long", { ClientToken: "a".repeat(65) }, "BadRequest"],
  ])("is refused with %s", async (_what, more, name) => {
    await expect(create(more)).rejects.toMatchObject({ name });
  });
});

it("never takes a path that leaves the file system", () => {
  const part = fc.constantFrom("..", ".", "", "a", "a b", "\0", "..a", "/", "\\");
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const given = `/${parts.join("/")}`;
      let taken: string;
      try {
        taken = checkPath(given);
      } catch {
        return;
      }
      expect(path.resolve("/state/fs", `.${taken}`)).toMatch(/^\/state\/fs(\/|$)/);
      expect(path.normalize(taken)).toBe(taken);
    }),
  );
});

it("describes access points by id, by file system and in pages", async () => {
  for (let i = 0; i < 5; i += 1) await create({ ClientToken: `token-${i}`, Tags: [{ Key: "Name", Value: `n${i}` }] });
  const seen: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await cloud.efsClient.send(
      new DescribeAccessPointsCommand({
        FileSystemId: cloud.fileSystemId,
        MaxResults: 2,
        ...(NextToken && { NextToken }),
      }),
    );
    seen.push(...(page.AccessPoints ?? []).map(({ Name }) => Name ?? ""));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(seen.sort()).toEqual(["n0", "n1", "n2", "n3", "n4"]);
  const missing = new DescribeAccessPointsCommand({ AccessPointId: "fsap-0" });
  await expect(cloud.efsClient.send(missing)).rejects.toMatchObject({ name: "AccessPointNotFound" });
  const { FileSystems } = await cloud.efsClient.send(new DescribeFileSystemsCommand({}));
  expect(FileSystems).toMatchObject([{ FileSystemId: cloud.fileSystemId, LifeCycleState: "available" }]);
});

it("keeps a template's access point as long as the template says the same of it", async () => {
  const provider = cloud.efs.resources["AWS::EFS::AccessPoint"];
  const deploy = (Path: string) =>
    provider?.deploy(
      "Root",
      {
        FileSystemId: cloud.fileSystemId,
        RootDirectory: { Path, CreationInfo: { OwnerUid: "0", OwnerGid: "0", Permissions: "755" } },
      },
      "AWS::EFS::AccessPoint",
    );
  const first = await deploy("/workspaces");
  expect(await deploy("/workspaces")).toEqual(first);
  expect(await cloud.efs.folderOf(String(first?.attributes?.Arn))).toMatch(/\/workspaces$/);
  const moved = await deploy("/moved");
  expect(moved?.ref).not.toBe(first?.ref);
  await expect(cloud.efs.folderOf(first?.ref ?? "")).rejects.toThrow("does not exist");
});
