/**
 * Hands Git its passwords over a unix socket in the instance's private folder. They stand in no argument, no file and no environment:
 * what Git is configured with is the path of a small program that asks here.
 */
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

export interface GitCredential {
  /** With port, as in the URL. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

export interface CredentialServer {
  /** Makes Git ask here; holds no secret. For Git's runs by the supervisor and for the person's. */
  readonly environment: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

const MAX_QUESTION_BYTES = 10_000;

/**
 * @param folder private (0700), with a short path
 * @param plainHosts hosts for which a password may go over http, because the repository itself is read so
 */
export async function serveCredentials(
  folder: string,
  credentials: readonly GitCredential[],
  plainHosts: readonly string[],
): Promise<CredentialServer> {
  const socketPath = join(folder, "git.sock");
  const programPath = join(folder, "git-credential");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let question = "";
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", (piece: string) => {
      question += piece;
      if (question.length > MAX_QUESTION_BYTES) socket.destroy();
    });
    socket.on("end", () => socket.end(answer(question, credentials, plainHosts)));
  });
  await listen(server, socketPath);
  await writeFile(programPath, program(socketPath), { mode: 0o700 });
  await chmod(programPath, 0o700);
  return {
    environment: {
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "credential.helper",
      GIT_CONFIG_VALUE_0: `!'${programPath.replaceAll("'", "'\\''")}'`,
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Git's credential protocol: lines `key=value` both ways (https://git-scm.com/docs/git-credential). */
export function answer(
  question: string,
  credentials: readonly GitCredential[],
  plainHosts: readonly string[] = [],
): string {
  const asked = new Map<string, string>();
  for (const line of question.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) asked.set(line.slice(0, at), line.slice(at + 1));
  }
  const host = asked.get("host")?.toLowerCase();
  const isSafe = asked.get("protocol") === "https" || (host !== undefined && plainHosts.includes(host));
  const found = credentials.find((credential) => credential.host.toLowerCase() === host);
  if (!found || !isSafe || /[\n\0]/.test(found.username + found.password)) return "";
  if (asked.has("username") && asked.get("username") !== found.username) return "";
  return `username=${found.username}\npassword=${found.password}\n`;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function program(socketPath: string): string {
  return `#!${process.execPath}
// Asks Atelier's supervisor for a password. "store" and "erase" have no effect: it keeps them itself.
if (process.argv[2] === "get") {
  const socket = require("node:net").connect(${JSON.stringify(socketPath)});
  socket.on("error", () => process.exit(0));
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
}
`;
}
