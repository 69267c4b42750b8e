/** Installs code-server from npm into the cache that all clones of this repository use. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { packageFailure } from "./explain-npm-failure.ts";
import { holdLock } from "./hold-lock.ts";
import { run } from "./run-program.ts";
import { showProgress } from "./show-progress.ts";
import { CODE_SERVER } from "./version.ts";

/** npm's own patience is two minutes, in which it says nothing. */
const RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=3000"];

/** `ATELIER_CACHE`: only what can be fetched again. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.ATELIER_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "atelier"));
}

/** Where the IDE is, or will be. */
export function ideDirectory(cache = cacheDirectory()): string {
  return join(cache, `code-server-${CODE_SERVER.version}-${process.platform}-${process.arch}`);
}

/**
 * Finds the IDE where it is kept, or installs it there; whole or not at all.
 * @returns its folder: `out/node/entry.js` in it is the program, to be run with Node 24
 * @throws Error that says what to do, when the registry is out of reach, the disk is full, or the IDE does not run
 */
export async function installIde(target = ideDirectory()): Promise<string> {
  if (existsSync(target)) return target;
  await holdLock(
    `${target}.lock`,
    (pid) => console.log(`The IDE is being installed by another process (${pid || "just ended"}); waiting for it …`),
    async () => {
      if (!existsSync(target)) await installInto(target);
    },
  );
  return target;
}

async function installInto(target: string): Promise<void> {
  const workshop = `${target}.part`;
  await rm(workshop, { recursive: true, force: true });
  const progress = showProgress(`Installing the IDE (code-server ${CODE_SERVER.version}, about 620 MB)`);
  try {
    await mkdir(workshop, { recursive: true });
    progress.stage("fetching");
    await unpack(workshop);
    progress.stage("its packages");
    await npmInstall(workshop);
    progress.stage("VS Code's packages");
    await npmInstall(join(workshop, "lib/vscode"));
    progress.stage("packages of extensions");
    await npmInstall(join(workshop, "lib/vscode/extensions"));
    await linkScripts(join(workshop, "lib/vscode/bin"));
    progress.stage("trying it");
    await tryIt(workshop);
    await rename(workshop, target);
  } catch (error) {
    progress.fail();
    await rm(workshop, { recursive: true, force: true });
    throw error;
  }
  progress.done();
}

/** The package's own files, checked against the integrity that this repository names. */
async function unpack(folder: string): Promise<void> {
  const spec = `code-server@${CODE_SERVER.version}`;
  const output = await npm(["pack", spec, "--json", "--pack-destination", folder], folder);
  const packed = (JSON.parse(output) as { filename: string; integrity: string }[])[0];
  if (packed?.integrity !== CODE_SERVER.integrity) {
    throw new Error(
      `The registry's ${spec} is not the one that this repository names (integrity ${packed?.integrity ?? "unknown"}). Nothing was installed.`,
    );
  }
  const archive = join(folder, packed.filename);
  const { code, output: said } = await run("tar", ["-xzf", archive, "--strip-components=1", "-C", folder], {});
  if (code !== 0) throw packageFailure({ doing: "unpack the IDE", output: said });
  await rm(archive);
}

/**
 * What `postinstall.sh` does, but without scripts: with them it compiles for two minutes what the package has prebuilt. `install`
 * rather than `ci`, as there: VS Code's own lock misses optional packages, and `ci` refuses it.
 */
async function npmInstall(folder: string): Promise<void> {
  await npm(["install", "--omit=dev", "--no-save"], folder);
}

async function npm(args: readonly string[], folder: string): Promise<string> {
  const own = process.env.npm_execpath;
  const [program, ...first] = own?.endsWith(".js") ? [process.execPath, own] : ["npm"];
  const all = [...first, ...args, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...RETRIES];
  // npm's own variables describe the project that it was started in, which is ours.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isProjectSetting(name)));
  const { code, output, stdout } = await run(program as string, all, { cwd: folder, env });
  if (code !== 0) throw packageFailure({ doing: "install the IDE", output });
  return stdout;
}

function isProjectSetting(name: string): boolean {
  return /^npm_(package|lifecycle|command|config_(local_prefix|argv|prefix$))/.test(name);
}

/** As `postinstall.sh` does: the names under which the IDE's terminal and browser helpers are called. */
async function linkScripts(bin: string): Promise<void> {
  const os = process.platform === "darwin" ? "darwin" : "linux";
  for (const [link, script] of [
    ["remote-cli/code-server", `code-${os}.sh`],
    ["helpers/browser.sh", `browser-${os}.sh`],
  ] as const) {
    await rm(join(bin, link), { force: true });
    await symlink(script, join(bin, link));
  }
}

async function tryIt(folder: string): Promise<void> {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, ".try"),
    XDG_DATA_HOME: join(folder, ".try"),
  };
  const { code, output } = await run(process.execPath, [join(folder, "out/node/entry.js"), "--version"], { env });
  await rm(join(folder, ".try"), { recursive: true, force: true });
  if (code !== 0 || !output.includes(CODE_SERVER.version)) {
    throw new Error(
      `The IDE was installed but does not run (exit code ${code}). It was removed again.\n${output.trim()}`,
    );
  }
}

if (import.meta.main) {
  try {
    // The image names a folder of its own.
    console.log(await installIde(process.argv[2]));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
