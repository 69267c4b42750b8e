import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type CreatedRepository,
  commitFiles,
  createRepository,
  type GitServer,
  startGitServer,
} from "../../test/git-server.ts";
import { realClock } from "./clock.ts";
import { type Content, fillVolume, readCommit, repositoryFolder } from "./fill-volume.ts";
import type { GitRun } from "./run-git.ts";
import { serveCredentials } from "./serve-credentials.ts";

let root: string;
let volume: string;
let git: GitServer;
let shop: CreatedRepository;
let lines: string[];
let progress: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fill-"));
  volume = join(root, "volume");
  await mkdir(volume);
  git = await startGitServer({ root });
  shop = await createRepository(root, "acme/shop.git", {
    branches: { main: { "README.md": "main" }, "feature/x": { "README.md": "x" }, other: { "README.md": "other" } },
    tags: { v1: "main", "feature/x": "main" },
    annotatedTags: { v2: "other" },
    refs: { "refs/pull/7/head": "feature/x" },
  });
  lines = [];
  progress = [];
});
afterEach(async () => {
  await git.stop();
  await rm(root, { recursive: true, force: true });
});

function run(change: Partial<GitRun> = {}): GitRun {
  return {
    cwd: volume,
    environment: { PATH: process.env.PATH, HOME: join(root, "home") },
    clock: realClock,
    onLine: (line) => lines.push(line),
    onProgress: (text) => progress.push(text),
    ...change,
  };
}
function content(change: Partial<Content> = {}): Content {
  return {
    cloneUrl: `${git.url}/acme/shop.git`,
    fullRef: "refs/heads/main",
    commit: shop.commits.main,
    name: "shop",
    ...change,
  };
}
function inShop(...args: string[]): string {
  return execFileSync("git", ["-C", join(volume, "shop"), ...args], { encoding: "utf8", stdio: "pipe" }).trim();
}
const readme = (): Promise<string> => readFile(join(volume, "shop/README.md"), "utf8");

describe("fillVolume", () => {
  it("checks out a branch that tracks its remote, even when a tag has its name", async () => {
    await fillVolume(run(), content({ fullRef: "refs/heads/feature/x", commit: shop.commits["feature/x"] }));
    expect(await readme()).toBe("x");
    expect(inShop("symbolic-ref", "HEAD")).toBe("refs/heads/feature/x");
    expect(inShop("rev-parse", "--abbrev-ref", "feature/x@{upstream}")).toBe("origin/feature/x");
    expect(inShop("status", "--porcelain")).toBe("");
  });

  it.each([
    ["a tag", { fullRef: "refs/tags/v1" }, "main"],
    ["an annotated tag", { fullRef: "refs/tags/v2" }, "other"],
    ["a tag that has a branch's name", { fullRef: "refs/tags/feature/x" }, "main"],
    ["a pull request", { fullRef: "refs/pull/7/head" }, "x"],
  ])("checks out %s without a branch", async (_case, change, expected) => {
    const branch = { main: "main", x: "feature/x", other: "other" }[expected] as string;
    await fillVolume(run(), content({ commit: shop.commits[branch], ...change }));
    expect(await readme()).toBe(expected);
    expect(() => inShop("symbolic-ref", "HEAD")).toThrow();
  });

  it("checks out a bare commit of no branch", async () => {
    const lost = shop.commits.main as string;
    await commitFiles(shop.directory, "main", { "README.md": "newer" });
    execFileSync("git", ["-C", shop.directory, "update-ref", "refs/heads/main", shop.commits["feature/x"] as string]);
    execFileSync("git", ["-C", shop.directory, "tag", "-d", "v1", "feature/x"]);
    await fillVolume(run(), content({ fullRef: undefined, commit: lost }));
    expect(await readme()).toBe("main");
    expect(await readCommit(run({ cwd: join(volume, "shop") }))).toEqual({ hash: lost, subject: "Fill main" });
  });

  it("makes an empty repository of an empty one, with its remote", async () => {
    await createRepository(root, "empty.git");
    const cloneUrl = `${git.url}/empty.git`;
    expect(await fillVolume(run(), { cloneUrl, fullRef: "refs/heads/main", name: "shop" })).toBe("cloned");
    expect(inShop("remote", "get-url", "origin")).toBe(cloneUrl);
    expect(await readCommit(run({ cwd: join(volume, "shop") }))).toBeUndefined();
  });

  it("fills a volume once, and leaves what a person did to it", async () => {
    expect(await fillVolume(run(), content())).toBe("cloned");
    await writeFile(join(volume, "shop/README.md"), "edited");
    expect(await fillVolume(run(), content())).toBe("skipped");
    expect(await readme()).toBe("edited");
    await rm(join(volume, "shop"), { recursive: true });
    expect(await fillVolume(run(), content())).toBe("skipped");
    expect(await readdir(join(volume, "shop"))).toEqual([]);
  });

  it("removes what a killed clone left, and takes a folder that was renamed into place as whole", async () => {
    await mkdir(join(volume, ".atelier/clone-dead"), { recursive: true });
    expect(await fillVolume(run(), content())).toBe("cloned");
    await rm(join(volume, ".atelier/filled"));
    expect(await fillVolume(run(), content())).toBe("skipped");
    expect(await readdir(join(volume, ".atelier"))).toEqual(["filled"]);
  });

  it("leaves nothing half-made behind a failure or an abort", async () => {
    await expect(fillVolume(run(), content({ fullRef: "refs/heads/gone" }))).rejects.toThrow(
      /^gone is no longer in http/,
    );
    const stop = new AbortController();
    const aborted = fillVolume(run({ signal: stop.signal }), content());
    stop.abort(new Error("stop"));
    await expect(aborted).rejects.toThrow("stop");
    expect(await readdir(volume)).toEqual([".atelier"]);
    expect(await readdir(join(volume, ".atelier"))).toEqual([]);
  });

  it.each([
    [
      "a pull request that is gone",
      { fullRef: "refs/pull/9/head", commit: "1".repeat(40) },
      /^refs\/pull\/9\/head is no longer in /,
    ],
    ["a tag that is gone", { fullRef: "refs/tags/v9" }, /^v9 is no longer in /],
    ["a commit that is nowhere", { fullRef: undefined, commit: "1".repeat(40) }, /^111111111111 is no longer in /],
  ])("says plainly that %s", async (_case, change, expected) => {
    await expect(fillVolume(run(), content(change))).rejects.toThrow(expected);
  });

  it("says plainly that there is no repository, and that a host is away", async () => {
    await expect(fillVolume(run(), content({ cloneUrl: `${git.url}/none.git` }))).rejects.toThrow(
      /^There is no Git repo/,
    );
    const away = content({ cloneUrl: "http://127.0.0.1:9/none.git" });
    await expect(
      fillVolume(run({ clock: { ...realClock, setTimeout: (f, ms) => realClock.setTimeout(f, ms / 100) } }), away),
    ).rejects.toThrow(/^127\.0\.0\.1:9 does not answer/);
    expect(lines.filter((line) => line.endsWith("Trying again."))).toHaveLength(2);
  });

  it("gives up on a host that accepts and says nothing", async () => {
    const silent = http.createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const cloneUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/a.git`;
    const hurried = { ...realClock, setTimeout: (f: () => void, ms: number) => realClock.setTimeout(f, ms / 300) };
    await expect(fillVolume(run({ clock: hurried }), content({ cloneUrl }))).rejects.toThrow(/does not answer/);
    silent.closeAllConnections();
    silent.close();
  });

  it("reads a private repository with a password that stands nowhere", async () => {
    const locked = await startGitServer({ root, auth: { username: "ada", password: "pa=ss wörd" } });
    const host = new URL(locked.url).host;
    const cloneUrl = `${locked.url}/acme/shop.git`;
    await expect(fillVolume(run(), content({ cloneUrl }))).rejects.toThrow(/does not give access .* Sign in/);

    const folder = join(root, "run");
    await mkdir(folder, { mode: 0o700 });
    const server = await serveCredentials(folder, [{ host, username: "ada", password: "pa=ss wörd" }], [host]);
    const environment = { ...run().environment, ...server.environment };
    await fillVolume(run({ environment }), content({ cloneUrl }));
    expect(await readme()).toBe("main");
    const everything = [
      JSON.stringify(environment),
      await readFile(join(volume, "shop/.git/config"), "utf8"),
      await readFile(join(folder, "git-credential"), "utf8"),
      lines.join("\n"),
    ].join("\n");
    expect(everything).not.toContain("wörd");
    await server.close();
    await locked.stop();
  });

  it.each([
    ["shop", "shop"],
    [".github", ".github"],
    [".home", "repository.home"],
    [".Atelier", "repository.Atelier"],
    ["..", "repository.."],
    ["", "repository"],
    ["a/../../b", "a-..-..-b"],
  ])("puts a repository called %j into %j", (name, folder) => {
    expect(repositoryFolder("/workspace", name)).toBe(`/workspace/${folder}`);
  });
});
