/** Runs the product as its users do: `node start.mjs` in a process of its own, on a state folder and port of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;

export interface RunningAtelier {
  readonly port: number;
  /** `http://localhost:<port>` */
  readonly origin: string;
  readonly home: string;
  /** Everything that it printed so far. */
  output(): string;
  /** Ends it as Ctrl-C does. Its state stays. */
  stop(): Promise<number | null>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  readonly process: ChildProcess;
}

export async function startAtelier(
  options: { home?: string; port?: number; env?: Record<string, string> } = {},
): Promise<RunningAtelier> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), "atelier-test-")));
  const port = options.port ?? (await freePort());
  const child = spawn(process.execPath, [join(ROOT, "start.mjs")], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: "", ATELIER_HOME: home, ATELIER_PORT: String(port), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const origin = `http://localhost:${port}`;
  const exited = once(child, "exit") as Promise<[number | null]>;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => fail(`said no URL within ${START_DEADLINE_MS / 1000} s`), START_DEADLINE_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`npm start ${why}:\n${output}`));
    };
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(origin)) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => fail(`ended with ${code}`));
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    child.kill(signal);
    const [code] = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    port,
    origin,
    home,
    process: child,
    output: () => output,
    stop: () => end("SIGINT"),
    kill: async () => void (await end("SIGKILL")),
  };
}

/** Removes a state folder that `startAtelier` made. */
export async function removeHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
