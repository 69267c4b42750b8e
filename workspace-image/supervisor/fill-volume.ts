/**
 * Puts the repository onto the volume, exactly once in the volume's life.
 *
 * Git works in `.atelier/clone-<random>`, beside the place where the repository goes; one rename puts it there whole, then the marker
 * `.atelier/filled` is written. A kill before the rename leaves only what the next start removes; after it, the folder is there and stands.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "./clock.ts";
import { explainGitFailure } from "./explain-git-failure.ts";
import { GitError, type GitRun, runGit } from "./run-git.ts";

export interface Content {
  readonly cloneUrl: string;
  /** `refs/heads/main`; absent for a bare commit. */
  readonly fullRef?: string | undefined;
  /** Absent for an empty repository. */
  readonly commit?: string | undefined;
  readonly name: string;
}

/** The volume cannot be filled; the message is for the person. */
export class CloneFailure extends Error {
  override readonly name = "CloneFailure";
}

const ATTEMPTS = 3;
const PAUSE_MS = 1_000;

/** The repository's folder on the volume; a name that is ours, or no name of a folder, is changed. */
export function repositoryFolder(volume: string, name: string): string {
  const clean = name.replaceAll(/[/\\\0]/g, "-").trim();
  const isTaken = ["", ".", "..", ".home", ".atelier"].includes(clean.toLowerCase());
  return join(volume, isTaken ? `repository${clean}` : clean);
}

/**
 * @param run its `cwd` is the volume
 * @returns `skipped` when the volume was filled before
 * @throws CloneFailure; the signal's reason when it aborts
 */
export async function fillVolume(run: GitRun, content: Content): Promise<"cloned" | "skipped"> {
  const volume = run.cwd;
  const folder = repositoryFolder(volume, content.name);
  const own = join(volume, ".atelier");
  const marker = join(own, "filled");
  await mkdir(own, { recursive: true });
  if (await exists(marker)) {
    // What a person did with the folder since is theirs; only the IDE needs one to open.
    await mkdir(folder, { recursive: true });
    return "skipped";
  }
  await removeLeftovers(own);
  const isThere = await exists(folder);
  if (!isThere) {
    const temporary = join(own, `clone-${randomBytes(6).toString("hex")}`);
    try {
      await cloneInto(run, temporary, content);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
    await rename(temporary, folder);
  }
  await writeFile(marker, `${content.cloneUrl}\n`);
  return isThere ? "skipped" : "cloned";
}

async function removeLeftovers(own: string): Promise<void> {
  for (const name of await readdir(own)) {
    if (name.startsWith("clone-")) await rm(join(own, name), { recursive: true, force: true });
  }
}

async function cloneInto(run: GitRun, folder: string, content: Content): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await cloneOnce(run, folder, content);
    } catch (error) {
      if (!(error instanceof GitError)) throw inWords(error, run.signal);
      const ref =
        content.fullRef?.replace(/^refs\/(heads|tags)\//, "") ?? content.commit?.slice(0, 12) ?? "The repository";
      const failure = explainGitFailure(error.output, content.cloneUrl, ref);
      if (!failure.isPassing || attempt >= ATTEMPTS) throw new CloneFailure(failure.sentence, { cause: error });
      run.onLine?.(`${failure.sentence.split(". ")[0]}. Trying again.`);
      await rm(folder, { recursive: true, force: true });
      await pause(run.clock, PAUSE_MS * attempt, run.signal);
    }
  }
}

/** An aborted run stays what it is; a full disk before Git even ran gets its words too. */
function inWords(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return error;
  return new CloneFailure(error instanceof Error ? error.message : String(error), { cause: error });
}

async function cloneOnce(run: GitRun, folder: string, { cloneUrl, fullRef, commit }: Content): Promise<void> {
  const branch = fullRef?.startsWith("refs/heads/") ? fullRef.slice("refs/heads/".length) : undefined;
  // Branches of all names and their tags come along, as with a clone by hand; `--` keeps a URL from being read as an option.
  const inside = { ...run, cwd: folder };
  if (commit === undefined) {
    // Empty when it was asked for. `clone` gives the branch that the server names its name, and takes what came meanwhile.
    await runGit(run, "clone", "--progress", "--", cloneUrl, folder);
    return;
  }
  await runGit(run, "clone", "--progress", "--no-checkout", "--", cloneUrl, folder);
  if (branch !== undefined) {
    await runGit(inside, "checkout", "--progress", "-B", branch, "--track", `refs/remotes/origin/${branch}`, "--");
    return;
  }
  const target = fullRef?.startsWith("refs/tags/") ? `${fullRef}^{commit}` : commit;
  const isThere = await has(inside, target);
  if (!isThere) await runGit(inside, "fetch", "--progress", "origin", fullRef ?? commit);
  await runGit(inside, "checkout", "--progress", "--detach", isThere ? target : "FETCH_HEAD", "--");
}

async function has(run: GitRun, revision: string): Promise<boolean> {
  try {
    await runGit({ ...run, onLine: () => undefined }, "cat-file", "-e", revision);
    return true;
  } catch (error) {
    if (error instanceof GitError) return false;
    throw error;
  }
}

/** What is checked out; `undefined` where there is no commit. */
export async function readCommit(run: GitRun): Promise<{ hash: string; subject: string } | undefined> {
  try {
    const [hash, subject] = (await runGit({ ...run, onLine: () => undefined }, "log", "-1", "--format=%H%x00%s")).split(
      "\0",
    );
    return hash ? { hash, subject: (subject ?? "").trim().slice(0, 200) } : undefined;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}
