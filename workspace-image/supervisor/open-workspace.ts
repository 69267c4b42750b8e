/** Clones and starts the IDE, side by side; both ready is what a person calls ready. */
import { lstat } from "node:fs/promises";
import { join, normalize } from "node:path";
import type { ResultOf } from "#protocol/methods/index.ts";
import type { StepFact } from "#protocol/methods/instance.ts";
import type { Clock } from "./clock.ts";
import { explainGitFailure } from "./explain-git-failure.ts";
import { CloneFailure, fillVolume, readCommit, repositoryFolder } from "./fill-volume.ts";
import { type Home, setGitIdentity } from "./prepare-home.ts";
import type { Reporter } from "./report-facts.ts";
import type { GitRun } from "./run-git.ts";
import { Ide } from "./run-ide.ts";
import { serveCredentials } from "./serve-credentials.ts";
import type { Gate } from "./serve-gate.ts";
import type { LogShipper } from "./ship-log.ts";
import type { Configuration } from "./take-configuration.ts";

/** Names the instance to the person's processes, and marks them as the instance's. */
export const INSTANCE_VARIABLE = "ATELIER_INSTANCE";

export interface WorkspaceOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly home: Home;
  readonly told: ResultOf<"instance.hello">;
  readonly gate: Gate;
  readonly reporter: Reporter;
  readonly log: LogShipper;
  /** Words for the task's own log. */
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Workspace {
  /** Ends with the IDE; rejects with what made it impossible to go on. */
  readonly ended: Promise<void>;
  stop(ideGraceMs: number): Promise<void>;
}

export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const { configuration, clock, home, told, gate, reporter, log, print, signal } = options;
  const { content } = told;
  const url = new URL(content.cloneUrl);
  const credentials = await serveCredentials(
    home.run,
    told.gitCredentials,
    url.protocol === "http:" ? [url.host.toLowerCase()] : [],
  );
  const environment: NodeJS.ProcessEnv = {
    ...home.environment,
    ...told.environment,
    ...credentials.environment,
    [INSTANCE_VARIABLE]: configuration.instanceId,
    // Where the IDE's list of ports sends a browser.
    VSCODE_PROXY_URI: `${new URL(told.dashboardOrigin).protocol}//{{port}}-${configuration.workspaceId}${told.hostSuffix}/`,
  };
  const git: GitRun = {
    cwd: configuration.volume,
    environment,
    clock,
    signal,
    onLine: (line) => log.line(line),
  };
  const folder = repositoryFolder(configuration.volume, content.name);
  const ide = new Ide({
    installation: configuration.ide,
    data: home.ideData,
    extensions: home.extensions,
    run: home.run,
    cwd: configuration.volume,
    environment,
    clock,
    // Its chatter is for whoever looks after the task, not for the person who waits; a failure quotes its last words.
    onLine: (line) => print(`[ide] ${line}`),
  });

  const readiness = { isCloned: false, isAnswering: false };
  const open = async (): Promise<void> => {
    if (!readiness.isCloned || !readiness.isAnswering || gate.opening) return;
    gate.opening = { folder, file: await fileToShow(folder, content.path) };
    reporter.update({ readyAt: clock.now() });
  };

  const ideStep = startStep(clock, (step) => reporter.update({ ide: step }));
  const ideEnded = ide
    .run(() => {
      readiness.isAnswering = true;
      ideStep("done");
      void open();
    })
    .catch((error: unknown) => {
      ideStep("failed");
      throw error;
    });

  const cloned = clone({ ...options, git, folder }).then(() => {
    readiness.isCloned = true;
    return open();
  });
  const ended = Promise.race([ideEnded, cloned.then(() => ideEnded), whenAborted(signal)]);
  // Whoever awaits `ended` sees the first; the others must not end the process as unhandled.
  for (const part of [ideEnded, cloned, ended]) part.catch(() => undefined);
  return {
    ended,
    async stop(ideGraceMs) {
      await ide.stop(ideGraceMs);
      await cloned.catch(() => undefined);
      await credentials.close();
    },
  };
}

async function clone({
  clock,
  home,
  told,
  reporter,
  log,
  signal,
  git,
  folder,
}: WorkspaceOptions & { git: GitRun; folder: string }): Promise<void> {
  const { content } = told;
  const step = startStep(clock, (fact) => reporter.update({ clone: fact }));
  // Its own file, so it need not wait for the clone, nor the clone for it.
  const identity = setGitIdentity(git, home.home, told.gitIdentity).catch((error: Error) => log.line(error.message));
  try {
    log.line(`Cloning ${content.cloneUrl} ${content.fullRef ?? content.commit ?? ""}`.trimEnd());
    const how = await fillVolume({ ...git, onProgress: (text) => step("active", text) }, content);
    const commit = await readCommit({ ...git, cwd: folder });
    if (commit) reporter.update({ commit });
    if (how === "skipped") log.line("The files are there from an earlier run.");
    step(how === "skipped" ? "skipped" : "done");
  } catch (error) {
    if (signal.aborted) throw error;
    step("failed");
    if (error instanceof CloneFailure) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new CloneFailure(explainGitFailure(text, content.cloneUrl, "The repository").sentence, { cause: error });
  }
  await identity;
}

/** Says a step's state with its times. */
function startStep(clock: Clock, say: (fact: StepFact) => void): (state: StepFact["state"], detail?: string) => void {
  const startedAt = clock.now();
  let isOver = false;
  const change = (state: StepFact["state"], detail?: string): void => {
    if (isOver) return;
    isOver = state !== "active";
    say({
      state,
      startedAt,
      ...(isOver ? { endedAt: clock.now() } : {}),
      ...(detail === undefined ? {} : { detail: detail.slice(0, 200) }),
    });
  };
  change("active");
  return change;
}

/** The file that the URL named, when it is one and inside the repository. */
async function fileToShow(folder: string, path: string): Promise<string | undefined> {
  const full = join(folder, normalize(`/${path}`));
  const found = path === "" ? undefined : await lstat(full).catch(() => undefined);
  return found?.isFile() ? full : undefined;
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
