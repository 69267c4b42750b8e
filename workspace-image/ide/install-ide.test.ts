import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { packageFailure } from "./explain-npm-failure.ts";
import { cacheDirectory, ideDirectory, installIde } from "./install-ide.ts";

let cache = "";
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "atelier-ide-"));
  // A port on which nothing listens.
  vi.stubEnv("npm_config_registry", "http://127.0.0.1:9/");
  vi.stubEnv("npm_config_cache", join(cache, "npm"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

describe("the IDE", () => {
  it("is not asked for again when it is there", async () => {
    const target = ideDirectory(cache);
    await mkdir(target);
    expect(await installIde(target)).toBe(target);
  });

  it("leaves nothing behind when the registry is out of reach, and says so", async () => {
    const target = ideDirectory(cache);
    await expect(installIde(target)).rejects.toThrow(/registry cannot be reached.*Check the network/s);
    expect(existsSync(target)).toBe(false);
    expect((await readdir(cache)).filter((name) => name !== "npm")).toEqual([]);
  });

  it("is kept where the environment says", () => {
    expect(cacheDirectory({ ATELIER_CACHE: "/a" })).toBe("/a");
    expect(cacheDirectory({ XDG_CACHE_HOME: "/x" })).toBe("/x/atelier");
    expect(cacheDirectory({})).toMatch(/\/\.cache\/atelier$/);
  });
});

describe("a failure of npm", () => {
  it("is told as what a person can do about it", () => {
    const told = (output: string) => packageFailure({ doing: "install the IDE", output }).message;
    expect(told("npm error code ENOSPC")).toMatch(/disk is full/);
    expect(told("npm error code ENOTFOUND")).toMatch(/registry cannot be reached/);
    expect(told("spawn npm ENOENT")).toMatch(/no npm on the PATH/);
    expect(told("npm error code EOTHER\nsomething else")).toMatch(/something else/);
  });
});
