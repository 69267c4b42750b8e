import { expect, it } from "vitest";
import { ContainerPaths } from "./container-paths.ts";

const paths = new ContainerPaths([
  ["/workspace", "/state/volume"],
  ["/workspace/cache/", "/state/cache"],
  ["/scratch", "/state/scratch"],
]);

it.each([
  ["/workspace", "/state/volume"],
  ["/workspace/app", "/state/volume/app"],
  ["/workspace/cache/npm", "/state/cache/npm"],
  ["/scratch/ide", "/state/scratch/ide"],
  ["/workspaces", "/workspaces"],
  ["/home/workspace", "/home/workspace"],
  ["git@host:/workspace/x", "git@host:/workspace/x"],
  ["", ""],
])("translates %j to %j", (inside, outside) => {
  expect(paths.translate(inside)).toBe(outside);
});

it("translates each part of a list of paths, and of nothing else", () => {
  const environment = { PATH: "/workspace/bin:/usr/bin:/scratch/bin", REMOTE: "a:/workspace", HOME: "/workspace" };
  expect(paths.translateEnvironment(environment)).toEqual({
    PATH: "/state/volume/bin:/usr/bin:/state/scratch/bin",
    REMOTE: "a:/workspace",
    HOME: "/state/volume",
  });
});
