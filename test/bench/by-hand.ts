/** The floor: what somebody would do by hand on the same machine. `git clone`, then the same IDE with the same flags. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface IdeByHand {
  /** Milliseconds from the beginning of the clone until the IDE's page answers. */
  readonly answeredAfterMs: number;
  /** `http://localhost:<port>/?folder=…`: the bare IDE, without any gate. */
  readonly url: string;
  end(): Promise<void>;
}

/** @param ide folder of code-server @param node Node 24 */
export async function openByHand(ide: string, node: string, cloneUrl: string): Promise<IdeByHand> {
  const home = await mkdtemp(join(tmpdir(), "by-hand-"));
  const began = performance.now();
  const folder = join(home, "repository");
  await succeed(spawn("git", ["clone", "--quiet", cloneUrl, folder], { stdio: "ignore" }));
  const settings = join(home, "data", "User");
  await mkdir(settings, { recursive: true });
  await writeFile(join(settings, "settings.json"), SETTINGS);
  const socketPath = join(home, "ide.sock");
  const flags = ["--auth", "none", "--socket", socketPath, "--user-data-dir", join(home, "data"), "--extensions-dir"];
  flags.push(
    join(home, "extensions"),
    "--config",
    join(home, "config.yaml"),
    "--session-socket",
    join(home, "session.sock"),
  );
  flags.push(
    "--disable-telemetry",
    "--disable-update-check",
    "--disable-getting-started-override",
    "--disable-workspace-trust",
  );
  await writeFile(join(home, "config.yaml"), "auth: none\n");
  const child = spawn(node, [join(ide, "out/node/entry.js"), ...flags, "--ignore-last-opened"], {
    env: { PATH: process.env.PATH ?? "", HOME: home, SHELL: "/bin/bash" },
    stdio: "ignore",
    detached: true,
  });
  while (!(await answers(socketPath))) await delay(10);
  const answeredAfterMs = performance.now() - began;
  const door = await forward(socketPath);
  const { port } = door.address() as { port: number };
  return {
    answeredAfterMs,
    url: `http://localhost:${port}/?folder=${encodeURIComponent(folder)}`,
    end: async () => {
      door.close();
      if (child.pid) process.kill(-child.pid, "SIGKILL");
      await once(child, "exit");
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

const SETTINGS = JSON.stringify({
  "workbench.startupEditor": "none",
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
});

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: "/", headers: { accept: "text/html" } }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200));
    });
    asked.on("error", () => resolve(false));
    asked.end();
  });
}

/** Bytes from a loopback port to the socket, and nothing else. */
async function forward(socketPath: string): Promise<Server> {
  const server = createServer((inbound) => {
    const outbound = connect(socketPath);
    inbound.pipe(outbound).pipe(inbound);
    for (const stream of [inbound, outbound]) {
      stream.on("error", () => {
        inbound.destroy();
        outbound.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function succeed(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`git clone ended with ${code}`);
}
