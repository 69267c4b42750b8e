/** Keeps the IDE running on a unix socket: starts it, knows when it answers, starts it again when it dies, gives up when it cannot live. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Clock, pause } from "./clock.ts";
import { signal as kill } from "./end-processes.ts";

export interface IdeOptions {
  /** Folder of code-server. */
  readonly installation: string;
  readonly data: string;
  readonly extensions: string;
  /** Private, short path. */
  readonly run: string;
  readonly cwd: string;
  /** What is known of its environment when it starts; the rest comes with `release`. */
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
}

/** It died three times right after its start; the message is for the person. */
export class IdeFailure extends Error {
  override readonly name = "IdeFailure";
}

/** A death this soon after a start is one of those that count. */
const EARLY_MS = 30_000;
const MAX_EARLY_DEATHS = 3;
const RESTART_PAUSE_MS = 250;
const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_PAUSE_MS = 250;
const ANSWER_TIMEOUT_MS = 20_000;
const KEPT_LINES = 8;

/**
 * Without its supervisor an IDE serves nobody, and writes into a closed pipe as fast as it can: so it is killed together with it, where
 * the machine has the program for that (util-linux; setpriv(1), PR_SET_PDEATHSIG).
 */
const SETPRIV = "/usr/bin/setpriv";
const LEASH: [string, ...string[]] = existsSync(SETPRIV)
  ? [SETPRIV, "--pdeathsig", "KILL", process.execPath]
  : [process.execPath];

/** Loaded into the IDE's process before its own code: takes what came too late for the environment of its start. */
const TAKE_ENVIRONMENT = `process.on("message", (message) => {
  if (message?.type === "environment") Object.assign(process.env, message.environment);
});
`;

export class Ide {
  readonly #options: IdeOptions;
  readonly socketPath: string;
  #child: ChildProcess | undefined;
  #lastLines: string[] = [];
  #isStopping = false;
  #ended: Promise<void> | undefined;
  readonly #environment = Promise.withResolvers<NodeJS.ProcessEnv>();
  #isReleased = false;

  constructor(options: IdeOptions) {
    this.#options = options;
    this.socketPath = join(options.run, "ide.sock");
  }

  /**
   * Runs until it is stopped. It loads at once, and waits for `release` before it serves: what the person's processes need to
   * know is not known yet while the machine has nothing better to do.
   * @param onAnswer each time that a new process answers a real request
   * @throws IdeFailure
   */
  run(onAnswer: () => void): Promise<void> {
    this.#ended = this.#keep(onAnswer);
    return this.#ended;
  }

  /** Lets it go on, with what its processes get beyond the environment that it was started with. */
  release(environment: NodeJS.ProcessEnv): void {
    this.#isReleased = true;
    this.#environment.resolve(environment);
  }

  /** Asks it to end, and makes it end after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (!child?.pid) return;
    kill(child.pid, "SIGTERM");
    const over = new AbortController();
    void pause(this.#options.clock, graceMs, over.signal).then(() => {
      if (!over.signal.aborted && child.pid) kill(-child.pid, "SIGKILL");
    });
    await this.#ended?.catch(() => undefined);
    over.abort();
  }

  async #keep(onAnswer: () => void): Promise<void> {
    const { clock } = this.#options;
    for (let earlyDeaths = 0; !this.#isStopping; ) {
      const startedAt = clock.now();
      const how = await this.#once(onAnswer);
      if (this.#isStopping) return;
      // It waits for its release no longer than 10 s; that is no fault of its own.
      if (!this.#isReleased) {
        await pause(clock, RESTART_PAUSE_MS);
        continue;
      }
      earlyDeaths = clock.now() - startedAt < EARLY_MS ? earlyDeaths + 1 : 1;
      this.#options.onLine(`The IDE ended (${how}).`);
      if (earlyDeaths >= MAX_EARLY_DEATHS) {
        const said = this.#lastLines.length > 0 ? ` It said last: ${this.#lastLines.join(" | ")}` : "";
        throw new IdeFailure(
          `The IDE ended ${MAX_EARLY_DEATHS} times right after its start (${how}).${said.slice(0, 1_500)} Stop and start the workspace; if that does not help, look into its settings and extensions.`,
        );
      }
      await pause(clock, RESTART_PAUSE_MS * 2 ** (earlyDeaths - 1));
    }
  }

  /** One process from start to end. @returns how it ended */
  async #once(onAnswer: () => void): Promise<string> {
    const { installation, run, environment, cwd } = this.#options;
    await rm(this.socketPath, { force: true });
    const [program, ...before] = LEASH;
    const listener = join(run, "take-environment.cjs");
    await writeFile(listener, TAKE_ENVIRONMENT);
    const child = spawn(program, [...before, "--require", listener, join(installation, "out/node/entry.js")], {
      cwd,
      env: {
        ...environment,
        CODE_SERVER_PARENT_PID: String(process.pid),
        CODE_SERVER_SESSION_SOCKET: join(run, "session.sock"),
        LOG_LEVEL: "warn",
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    // The parent's half of code-server's handshake (its out/node/wrapper.js; the version is pinned). Its own parent does little
    // more than parse the command line, and costs a start of Node: a third of the time until the IDE answers.
    child.on("message", (message: { type?: string }) => {
      if (message.type !== "handshake") return;
      void this.#environment.promise.then((more) => {
        if (!child.connected) return;
        child.send({ type: "environment", environment: more });
        child.send({ type: "handshake", args: this.#arguments() });
      });
    });
    this.#child = child;
    this.#lastLines = [];
    const keep = (line: string): void => {
      if (line.trim() === "") return;
      this.#lastLines = [...this.#lastLines, line.slice(0, 300)].slice(-KEPT_LINES);
      this.#options.onLine(line);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on("line", keep);
    const ended = new AbortController();
    const how = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    }).finally(() => ended.abort());
    void this.#answers(ended.signal).then((isUp) => isUp && onAnswer());
    const text = await how;
    // What it left behind of its own (extension hosts) would hold files and memory.
    if (child.pid) kill(-child.pid, "SIGKILL");
    this.#child = undefined;
    return text;
  }

  /** What code-server makes of its command line and its defaults (its out/node/cli.js). */
  #arguments(): Record<string, unknown> {
    const { data, extensions, run } = this.#options;
    return {
      _: [],
      auth: "none",
      socket: this.socketPath,
      "socket-mode": "600",
      "session-socket": join(run, "session.sock"),
      "user-data-dir": data,
      "extensions-dir": extensions,
      "disable-telemetry": true,
      "disable-update-check": true,
      "disable-getting-started-override": true,
      "disable-workspace-trust": true,
      "disable-proxy": true,
      "ignore-last-opened": true,
      "proxy-domain": [],
      "app-name": "code-server",
      log: "warn",
      verbose: false,
      // Asked for, but not listened on: there is a socket.
      host: "localhost",
      port: 8080,
    };
  }

  /** Asks for its page, which also makes it load all that the first visitor would wait for. */
  async #answers(ended: AbortSignal): Promise<boolean> {
    for (let wait = FIRST_LOOK_MS; !ended.aborted; wait = Math.min(wait * 1.5, LONGEST_LOOK_PAUSE_MS)) {
      if (await ask(this.socketPath, ended)) return true;
      await pause(this.#options.clock, wait, ended);
    }
    return false;
  }
}

function ask(socketPath: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { host: "localhost", accept: "text/html" };
    const request = http.get(
      { socketPath, path: "/", headers, signal, timeout: ANSWER_TIMEOUT_MS, agent: false },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200));
        response.on("error", () => resolve(false));
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
