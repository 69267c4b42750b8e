/**
 * For tests: real Git repositories behind the real `git http-backend` on loopback.
 *
 *     const server = await startGitServer({ root });
 *     await createRepository(root, "acme/shop.git", { branches: { main: { "README.md": "hello" } } });
 *     // git clone `${server.url}/acme/shop.git`
 */
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface GitServerOptions {
  /** Folder with bare repositories. */
  root: string;
  /** User name and password that every request must carry. */
  auth?: { username: string; password: string };
  /** 0 (default) for any free port. */
  port?: number;
}

export interface GitServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const server = createServer((request, response) => {
    if (options.auth && request.headers.authorization !== basic(options.auth)) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("Sign in.");
      return;
    }
    serve(options.root, request, response);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function basic(auth: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
}

/** One CGI run (RFC 3875). */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://git.invalid");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH ?? "",
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      // Repositories may belong to another user than the one who runs the tests.
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      CONTENT_LENGTH: request.headers["content-length"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_ADDR: "127.0.0.1",
      ...(request.headers.authorization ? { REMOTE_USER: "git" } : {}),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.stdin.on("error", () => {});
  request.pipe(backend.stdin);
  response.on("close", () => backend.kill());
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    backend.stdout.off("data", readHead);
    const headers = head
      .subarray(0, end)
      .toString("latin1")
      .split("\r\n")
      .map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = headers.find(([name]) => name.toLowerCase() === "status")?.[1] ?? "200";
    response.writeHead(
      Number.parseInt(status, 10),
      Object.fromEntries(headers.filter(([name]) => !/^status$/i.test(name))),
    );
    response.write(head.subarray(end + 4));
    backend.stdout.pipe(response);
  };
  backend.stdout.on("data", readHead);
  backend.on("error", (error) => response.writeHead(500).end(String(error)));
  backend.on("close", () => {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}

/** Files of one commit: path → content. */
export type Files = Readonly<Record<string, string>>;

export interface Fixture {
  /** Branch → files of its one commit. The first is HEAD. None at all makes an empty repository. */
  branches?: Readonly<Record<string, Files>>;
  /** Tag → branch. */
  tags?: Readonly<Record<string, string>>;
  /** Annotated tag → branch. */
  annotatedTags?: Readonly<Record<string, string>>;
  /** Full ref → branch: `refs/pull/7/head`. */
  refs?: Readonly<Record<string, string>>;
  /** What HEAD names; the default is the first branch, `main` in an empty repository. */
  head?: string;
}

export interface CreatedRepository {
  readonly directory: string;
  /** Branch → commit. */
  readonly commits: Readonly<Record<string, string>>;
}

/** Makes a bare repository with real Git. @param path below the root: `acme/shop.git` */
export async function createRepository(root: string, path: string, fixture: Fixture = {}): Promise<CreatedRepository> {
  const directory = join(root, path);
  await mkdir(directory, { recursive: true });
  const branches = Object.entries(fixture.branches ?? {});
  const head = fixture.head ?? branches[0]?.[0] ?? "main";
  await git(root, "init", "--quiet", "--bare", `--initial-branch=${head}`, directory);
  const commits: Record<string, string> = {};
  for (const [branch, files] of branches) commits[branch] = await commitFiles(directory, branch, files);
  for (const [tag, branch] of Object.entries(fixture.tags ?? {})) await git(directory, "tag", tag, branch);
  for (const [tag, branch] of Object.entries(fixture.annotatedTags ?? {})) {
    await git(directory, "tag", "--annotate", "--message", tag, tag, branch);
  }
  for (const [ref, branch] of Object.entries(fixture.refs ?? {})) {
    await git(directory, "update-ref", ref, `refs/heads/${branch}`);
  }
  return { directory, commits };
}

/** Adds one commit with exactly these files to a branch of a bare repository. @returns its hash */
export async function commitFiles(directory: string, branch: string, files: Files): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), "git-fixture-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), content);
    }
    const inWork = (...args: string[]) => git(directory, `--work-tree=${work}`, ...args);
    const before = await git(directory, "rev-parse", "--verify", "--quiet", `refs/heads/${branch}`).catch(() => "");
    await inWork("read-tree", "--empty");
    await inWork("add", "--all", "--force", ".");
    const tree = await inWork("write-tree");
    const commit = await git(directory, "commit-tree", tree, "-m", `Fill ${branch}`, ...(before ? ["-p", before] : []));
    await git(directory, "update-ref", `refs/heads/${branch}`, commit);
    return commit;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function git(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", ["-C", directory, ...args], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      GIT_AUTHOR_NAME: "Fixture",
      GIT_AUTHOR_EMAIL: "fixture@git.test",
      GIT_COMMITTER_NAME: "Fixture",
      GIT_COMMITTER_EMAIL: "fixture@git.test",
    },
  });
  return stdout.trim();
}
