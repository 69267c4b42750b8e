/** Where things live: what a person keeps on the volume, what can be made again on the ephemeral disk. */
import { lstat, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { GitRun } from "./run-git.ts";
import { runGit } from "./run-git.ts";

/** Longest path of a unix socket on Linux is 107 bytes; 40 are left for the names that the IDE makes in the folder. */
const LONGEST_RUN_FOLDER = 66;

export interface Home {
  /** HOME, on the volume: shell history, dotfiles, Git's global settings. */
  readonly home: string;
  /** Of the IDE. `User` and extensions are on the volume, the rest (logs, caches) on the ephemeral disk. */
  readonly ideData: string;
  readonly extensions: string;
  /** Private (0700), short: sockets. */
  readonly run: string;
  /** What every process of the person gets. */
  readonly environment: NodeJS.ProcessEnv;
  /** Removes what stands outside of volume and scratch. */
  remove(): Promise<void>;
}

/** @param given what the task's environment said, without what was the supervisor's own */
export async function prepareHome(volume: string, scratch: string, given: NodeJS.ProcessEnv): Promise<Home> {
  const home = join(volume, ".home");
  const kept = join(home, ".local", "share", "atelier-ide");
  const ideData = join(scratch, "ide");
  const temporary = join(scratch, "tmp");
  const cache = join(scratch, "cache");
  const extensions = join(kept, "extensions");
  await Promise.all([
    ...[join(kept, "User"), extensions, join(ideData, "Machine"), cache].map((folder) =>
      mkdir(folder, { recursive: true }),
    ),
    mkdir(temporary, { recursive: true, mode: 0o1777 }),
  ]);
  await link(join(kept, "User"), join(ideData, "User"));
  await writeFile(join(kept, "User", "settings.json"), `${JSON.stringify(DEFAULT_SETTINGS, null, 2)}\n`, {
    flag: "wx",
  }).catch(unlessThere);
  await writeFile(join(ideData, "Machine", "settings.json"), JSON.stringify(MACHINE_SETTINGS));
  const run = await makeRunFolder(scratch);
  const { username } = userInfo();
  return {
    home,
    ideData,
    extensions,
    run,
    environment: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      SHELL: "/bin/bash",
      USER: username,
      LOGNAME: username,
      ...given,
      HOME: home,
      TMPDIR: temporary,
      XDG_CACHE_HOME: cache,
      // Short, since the IDE puts sockets there.
      XDG_RUNTIME_DIR: run,
    },
    remove: () => rm(run, { recursive: true, force: true }),
  };
}

/** Quiet on the first day; whatever a person changes stays changed, since the file is written only when there is none. */
const DEFAULT_SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "chat.disableAIFeatures": true,
  "telemetry.telemetryLevel": "off",
  "extensions.ignoreRecommendations": true,
  "security.workspace.trust.enabled": false,
  "git.openRepositoryInParentFolders": "never",
};

/** What code-server sets for itself would change how a person's own programs behave. */
const MACHINE_SETTINGS = { "terminal.integrated.env.linux": { LOG_LEVEL: null, NODE_EXEC_PATH: null } };

/** Names the author of commits, unless the person named one. */
export async function setGitIdentity(
  run: GitRun,
  home: string,
  identity: { name: string; email: string },
): Promise<void> {
  const file = join(home, ".gitconfig");
  const quiet = { ...run, onLine: () => undefined };
  for (const key of ["name", "email"] as const) {
    const isSet = await runGit(quiet, "config", "--file", file, "--get", `user.${key}`).then(
      (value) => value.trim() !== "",
      () => false,
    );
    if (!isSet && identity[key]) await runGit(run, "config", "--file", file, `user.${key}`, identity[key]);
  }
}

async function makeRunFolder(scratch: string): Promise<string> {
  const folder = join(scratch, "run");
  if (Buffer.byteLength(folder) > LONGEST_RUN_FOLDER) return mkdtemp(join(tmpdir(), "atelier-"));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

async function link(target: string, path: string): Promise<void> {
  const present = await lstat(path).catch(() => undefined);
  if (present?.isSymbolicLink()) await rm(path);
  await symlink(target, path);
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
