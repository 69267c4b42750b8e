/** Runs the system's Git, without a terminal to ask in and without words to translate. */
import { spawn } from "node:child_process";
import type { Clock } from "./clock.ts";
import { GitProgress } from "./parse-git-progress.ts";

export interface GitRun {
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (text: string) => void;
  readonly onLine?: (text: string) => void;
}

/** Nothing was heard of Git for so long that nothing will be. */
const SILENCE_MS = 60_000;
/** Enough for a person and for the rules that explain a failure. */
const KEPT_CHARACTERS = 20_000;

/** Git ended with an error; `output` is what it wrote. */
export class GitError extends Error {
  override readonly name = "GitError";
  readonly output: string;
  constructor(subcommand: string, output: string) {
    super(`git ${subcommand} failed: ${output.trim().split("\n").at(-1) ?? ""}`);
    this.output = output;
  }
}

/**
 * @returns standard output
 * @throws GitError; the signal's reason when it aborts
 */
export function runGit(run: GitRun, subcommand: string, ...options: string[]): Promise<string> {
  const child = spawn("git", [subcommand, ...options], {
    cwd: run.cwd,
    env: gitEnvironment(run.environment),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the helpers that it starts (git-remote-http, index-pack) end with it.
    detached: true,
  });
  const kill = (): void => {
    try {
      if (child.pid) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  };
  return new Promise((resolve, reject) => {
    let standardOutput = "";
    let output = "";
    const keep = (text: string): void => {
      output = `${output}${text}\n`.slice(-KEPT_CHARACTERS);
    };
    const hang = (): void => {
      keep(`No answer for ${SILENCE_MS / 1_000} s`);
      kill();
    };
    let silence = run.clock.setTimeout(hang, SILENCE_MS);
    const heard = (): void => {
      silence.cancel();
      silence = run.clock.setTimeout(hang, SILENCE_MS);
    };
    const progress = new GitProgress({
      onProgress: (text) => run.onProgress?.(text),
      onLine: (text) => {
        keep(text);
        run.onLine?.(text);
      },
    });
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      heard();
      standardOutput += piece;
    });
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      heard();
      progress.write(piece);
    });
    run.signal?.addEventListener("abort", kill, { once: true });
    const end = (): void => {
      silence.cancel();
      run.signal?.removeEventListener("abort", kill);
      progress.end();
    };
    child.on("error", (cause) => {
      end();
      reject(new Error("Git could not be started. Is it installed?", { cause }));
    });
    child.on("close", (code) => {
      end();
      if (run.signal?.aborted) reject(run.signal.reason);
      else if (code === 0) resolve(standardOutput);
      else reject(new GitError(subcommand, output));
    });
    if (run.signal?.aborted) kill();
  });
}

function gitEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...environment,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    // `ext::` and the like would run commands; local paths would read what is not the repository's.
    GIT_ALLOW_PROTOCOL: "http:https",
    // A host that answers and then stalls.
    GIT_HTTP_LOW_SPEED_LIMIT: "100",
    GIT_HTTP_LOW_SPEED_TIME: "30",
  };
}
