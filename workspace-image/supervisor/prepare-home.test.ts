import { lstat, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realClock } from "./clock.ts";
import { openFolder } from "./open-folder.ts";
import { prepareHome, setGitIdentity } from "./prepare-home.ts";
import { stripOwnCookies, stripOwnSetCookies } from "./route-cookies.ts";
import { takeConfiguration } from "./take-configuration.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "home-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const GIVEN = {
  ATELIER_INSTANCE_ID: "amber-otter-x7k2m3q4-r2",
  ATELIER_LAUNCH_TICKET: "launch",
  ATELIER_ENDPOINT: "http://localhost:4000/",
  ATELIER_VOLUME: "/workspace",
  ATELIER_IDE: "/ide",
  ATELIER_SCRATCH: "/scratch",
};

describe("takeConfiguration", () => {
  it("takes what is the supervisor's and leaves what is the person's", () => {
    const environment: NodeJS.ProcessEnv = {
      ...GIVEN,
      ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/1",
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/1",
      PATH: "/bin",
    };
    expect(takeConfiguration(environment)).toMatchObject({
      workspaceId: "amber-otter-x7k2m3q4",
      endpoint: "http://localhost:4000",
      metadataUri: "http://169.254.170.2/v4/1",
    });
    expect(environment).toEqual({ PATH: "/bin" });
  });

  it.each([
    [{ ATELIER_IDE: undefined, ATELIER_VOLUME: "" }, /lacks ATELIER_VOLUME, ATELIER_IDE/],
    [{ ATELIER_INSTANCE_ID: "x" }, /not an instance id: x/],
    [{ ATELIER_ENDPOINT: "ftp://x" }, /must be an http or https URL/],
  ])("names what is wrong with %j", (change, message) => {
    expect(() => takeConfiguration({ ...GIVEN, ...change })).toThrow(message);
  });
});

describe("prepareHome", () => {
  it("keeps the person's settings and what they changed, and caches on the ephemeral disk", async () => {
    const volume = join(root, "volume");
    const first = await prepareHome(volume, join(root, "scratch"), { PATH: "/x", LANG: "de_DE.UTF-8" });
    expect(first.environment).toMatchObject({
      PATH: "/x",
      LANG: "de_DE.UTF-8",
      SHELL: "/bin/bash",
      HOME: join(volume, ".home"),
      TMPDIR: join(root, "scratch/tmp"),
      XDG_CACHE_HOME: join(root, "scratch/cache"),
    });
    expect((await stat(first.run)).mode & 0o777).toBe(0o700);
    const settings = join(first.ideData, "User/settings.json");
    expect(JSON.parse(await readFile(settings, "utf8"))["workbench.startupEditor"]).toBe("none");
    expect(await readlink(join(first.ideData, "User"))).toBe(join(volume, ".home/.local/share/atelier-ide/User"));
    await writeFile(settings, "{}");
    // The next run has a scratch of its own, or (a task restarted on the same disk) the same.
    for (const scratch of ["scratch", "other"]) {
      const next = await prepareHome(volume, join(root, scratch), {});
      expect(await readFile(join(next.ideData, "User/settings.json"), "utf8")).toBe("{}");
      await next.remove();
    }
  });

  it("puts sockets where their path is short enough", async () => {
    const home = await prepareHome(join(root, "volume"), join(root, "s".repeat(100)), {});
    expect(Buffer.byteLength(join(home.run, "vscode-ipc-00000000-0000-0000-0000-000000000000.sock"))).toBeLessThan(108);
    expect((await stat(home.run)).mode & 0o777).toBe(0o700);
    await home.remove();
    await expect(lstat(home.run)).rejects.toThrow();
  });
});

describe("setGitIdentity", () => {
  it("names the author unless the person did", async () => {
    const run = { cwd: root, environment: { PATH: process.env.PATH, HOME: root }, clock: realClock };
    await writeFile(join(root, ".gitconfig"), "[user]\n\tname = Countess\n");
    await setGitIdentity(run, root, { name: 'Ada "A" L', email: "ada@acme.test" });
    const config = await readFile(join(root, ".gitconfig"), "utf8");
    expect(config).toContain("name = Countess");
    expect(config).toContain("email = ada@acme.test");
    expect(config).not.toContain("Ada");
  });
});

describe("cookies", () => {
  it("loses ours in every spelling and keeps the others as they are", () => {
    const ours = fc.constantFrom("atelier_route", "__Host-atelier_route", "Atelier_Route", " atelier_route ");
    const other = fc.constantFrom("a", "atelier_route2", "x-atelier_route", "theme");
    const part = fc.tuple(fc.oneof(ours, other), fc.constantFrom("", "1", "a=b", '"q"'));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const kept = parts.filter(([name]) => !/^(__host-)?atelier_route$/i.test(name.trim()));
        const text = (all: [string, string][]): string => all.map(([name, value]) => `${name}=${value}`).join("; ");
        expect(stripOwnCookies(text(parts)) ?? "").toBe(text(kept));
      }),
    );
    expect(stripOwnCookies(undefined)).toBeUndefined();
    expect(stripOwnSetCookies(["ATELIER_ROUTE=1; Path=/", "a=atelier_route=1"])).toEqual(["a=atelier_route=1"]);
  });
});

describe("openFolder", () => {
  const read = (page: string): Record<string, unknown> =>
    JSON.parse(
      (/data-settings="([^"]*)"/.exec(page)?.[1] ?? "")
        .replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'")
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&amp;", "&"),
    );
  const tag = (settings: string): string =>
    `<p><meta id="vscode-workbench-web-configuration" data-settings="${settings}"></p>`;

  it("adds the folder to whatever the configuration says, and changes nothing else", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, folder) => {
        const settings = JSON.stringify({ a: value }).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
        const page = openFolder(tag(settings), { folder: `/${folder}`, authority: "h:1" });
        expect(page.startsWith("<p><meta") && page.endsWith('"></p>')).toBe(true);
        expect(read(page)).toEqual({
          a: value,
          folderUri: { scheme: "vscode-remote", authority: "h:1", path: `/${folder}` },
        });
      }),
    );
  });

  it.each([tag("not json"), tag("{&quot;folderUri&quot;:{}}"), "<p>another page</p>"])("leaves %s as it is", (page) => {
    expect(openFolder(page, { folder: "/f", authority: "h" })).toBe(page);
  });
});
