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

type Told = ResultOf<"instance.hello">;

export interface WorkspaceOptions {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly home: Home;
  /** What the control plane answers to the first call. */
  readonly told: Promise<Told>;
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

/** Starts the IDE at once; clones as soon as the control plane has told what. */
export function openWorkspace(options: WorkspaceOptions): Workspace {
  const { configuration, clock, home, gate, reporter, log, print, signal } = options;
  const readiness: { opening?: NonNullable<Gate["opening"]>; isAnswering: boolean } = { isAnswering: false };
  const open = (): void => {
    if (!readiness.opening || !readiness.isAnswering || gate.opening) return;
    gate.opening = readiness.opening;
    reporter.update({ readyAt: clock.now() });
  };

  const ide = new Ide({
    installation: configuration.ide,
    data: home.ideData,
    extensions: home.extensions,
    run: home.run,
    cwd: configuration.volume,
    environment: { ...home.environment, [INSTANCE_VARIABLE]: configuration.instanceId },
    clock,
    // Its chatter is for whoever looks after the task, not for the person who waits; a failure quotes its last words.
    onLine: (line) => print(`[ide] ${line}`),
  });
  const ideStartedAt = clock.now();
  let ideStep: ReturnType<typeof startStep> | undefined;
  const ideEnded = ide
    .run(() => {
      readiness.isAnswering = true;
      ideStep?.("done");
      open();
    })
    .catch((error: unknown) => {
      ideStep?.("failed");
      throw error;
    });

  let credentials: Awaited<ReturnType<typeof serveCredentials>> | undefined;
  const fill = async (): Promise<void> => {
    const told = await options.told;
    credentials = await serveCredentials(home.run, told.gitCredentials, plainHosts(told.content.cloneUrl));
    const environment = environmentOf(told, configuration, credentials.environment);
    // Nothing can be reported before the control plane knows this instance.
    ideStep = startStep(clock, (step) => reporter.update({ ide: step }), ideStartedAt);
    ide.release(environment);
    const git: GitRun = {
      cwd: configuration.volume,
      environment: { ...home.environment, ...environment, [INSTANCE_VARIABLE]: configuration.instanceId },
      clock,
      signal,
      onLine: (line) => log.line(line),
    };
    const folder = repositoryFolder(configuration.volume, told.content.name);
    await clone({ ...options, told, git, folder });
    readiness.opening = { folder, file: await fileToShow(folder, told.content.path) };
    open();
  };
  const filled = fill();
  const ended = Promise.race([ideEnded, filled.then(() => ideEnded), whenAborted(signal)]);
  // Whoever awaits `ended` sees the first; the others must not end the process as unhandled.
  for (const part of [ideEnded, filled, ended]) part.catch(() => undefined);
  return {
    ended,
    async stop(ideGraceMs) {
      await ide.stop(ideGraceMs);
      await filled.catch(() => undefined);
      await credentials?.close();
    },
  };
}

/** Hosts that get their password though they are asked without TLS: the one that the person named so. */
function plainHosts(cloneUrl: string): string[] {
  const { protocol, host } = new URL(cloneUrl);
  return protocol === "http:" ? [host.toLowerCase()] : [];
}

/** What the person's processes get beyond the task's own environment. */
function environmentOf(told: Told, { workspaceId }: Configuration, credentials: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...told.environment,
    ...credentials,
    // Where the IDE's list of ports sends a browser.
    VSCODE_PROXY_URI: `${new URL(told.dashboardOrigin).protocol}//{{port}}-${workspaceId}${told.hostSuffix}/`,
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
}: Omit<WorkspaceOptions, "told"> & { told: Told; git: GitRun; folder: string }): Promise<void> {
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
function startStep(
  clock: Clock,
  say: (fact: StepFact) => void,
  startedAt = clock.now(),
): (state: StepFact["state"], detail?: string) => void {
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
