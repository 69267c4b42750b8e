import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import {
  type CreatedRepository,
  commitFiles,
  createRepository,
  type GitServer,
  startGitServer,
} from "../../test/git-server.ts";
import { resolveContext } from "./resolve-context.ts";

let root: string;
let server: GitServer;
let shop: CreatedRepository;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "resolve-context-"));
  shop = await createRepository(root, "acme/shop.git", {
    branches: { main: { "a.txt": "a" }, "feature/x": { "b.txt": "b" }, old: { "c.txt": "c" } },
    tags: { "release/1": "old" },
    annotatedTags: { v1: "main" },
    refs: { "refs/pull/7/head": "feature/x", "refs/merge-requests/3/head": "old" },
  });
  await createRepository(root, "acme/empty.git", { head: "trunk" });
  await createRepository(root, "acme/headless.git", { branches: { work: { "a.txt": "a" } }, head: "gone" });
  server = await startGitServer({ root });
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

async function errorOf(url: string, options?: Parameters<typeof resolveContext>[1]): Promise<AtelierError> {
  const error = await resolveContext(url, options).then(
    (resolved) => expect.unreachable(`resolved to ${JSON.stringify(resolved)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AtelierError);
  return error as AtelierError;
}

const at = (path: string) => `${server.url}/acme/shop.git${path}`;

describe("resolveContext", () => {
  it("finds the default branch", async () => {
    const { context, contextUrl, credential } = await resolveContext(at(""));
    expect(context).toEqual({
      kind: "repository",
      repository: { host: new URL(server.url).host, owner: "acme", name: "shop", cloneUrl: at("") },
      ref: "main",
      refType: "branch",
      commit: shop.commits.main,
      path: "",
      title: "acme/shop · main",
    });
    expect(contextUrl).toBe(at(""));
    expect(credential).toBeUndefined();
  });

  it("finds a branch with slashes, and the path behind it", async () => {
    const { context } = await resolveContext(at("/tree/feature/x/src/app.ts"));
    expect(context).toMatchObject({
      kind: "branch",
      ref: "feature/x",
      path: "src/app.ts",
      commit: shop.commits["feature/x"],
    });
  });

  it("finds tags: light ones, and of annotated ones the commit", async () => {
    expect((await resolveContext(at("/releases/tag/release/1"))).context).toMatchObject({
      kind: "tag",
      ref: "release/1",
      commit: shop.commits.old,
    });
    expect((await resolveContext(at("/tree/v1"))).context).toMatchObject({
      kind: "tag",
      ref: "v1",
      refType: "tag",
      commit: shop.commits.main,
    });
  });

  it("finds pull and merge requests", async () => {
    expect((await resolveContext(at("/pull/7"))).context).toMatchObject({
      kind: "pull-request",
      ref: "refs/pull/7/head",
      refType: "ref",
      commit: shop.commits["feature/x"],
      title: "acme/shop · pull request 7",
    });
    expect((await resolveContext(at("/-/merge_requests/3"))).context).toMatchObject({ commit: shop.commits.old });
  });

  it("takes a full commit as it is, and a short one when a ref has it", async () => {
    const commit = shop.commits.old as string;
    expect((await resolveContext(at(`/commit/${commit}`))).context).toMatchObject({
      kind: "commit",
      ref: commit,
      commit,
    });
    expect((await resolveContext(at(`/commit/${commit.slice(0, 10)}`))).context).toMatchObject({ ref: commit, commit });
    const error = await errorOf(at("/commit/0123456789"));
    expect(error.kind).toBe("REF_NOT_FOUND");
    expect(error.message).toContain("all 40 digits");
  });

  it("opens an empty repository empty, with the branch that its server names", async () => {
    const { context } = await resolveContext(`${server.url}/acme/empty.git`);
    expect(context).toMatchObject({ kind: "empty", ref: "trunk", title: "acme/empty · empty" });
    expect(context).not.toHaveProperty("commit");
  });

  it("names a branch that can be opened when HEAD names one that is not there", async () => {
    const error = await errorOf(`${server.url}/acme/headless.git`);
    expect(error.kind).toBe("REF_NOT_FOUND");
    expect(error.message).toContain('"work"');
  });

  it("sees a branch that was pushed a moment ago", async () => {
    const commit = await commitFiles(shop.directory, "fresh", { "d.txt": "d" });
    expect((await resolveContext(at("/tree/fresh"))).context.commit).toBe(commit);
  });

  it.each([
    ["/tree/absent", 'no branch or tag "absent"'],
    ["/pull/8", "no pull request 8"],
    ["/releases/tag/v2", 'no tag "v2"'],
  ])("says what is missing for %s", async (path, text) => {
    const error = await errorOf(at(path));
    expect(error.kind).toBe("REF_NOT_FOUND");
    expect(error.message).toContain(text);
  });

  it("says that there is no repository", async () => {
    const error = await errorOf(`${server.url}/acme/absent.git`);
    expect(error.kind).toBe("REPOSITORY_NOT_FOUND");
    expect(error.message).toContain("acme/absent");
  });
});

describe("a private repository", () => {
  let guarded: GitServer;
  beforeAll(async () => {
    guarded = await startGitServer({ root, auth: { username: "ann", password: "p@ss/word" } });
  });
  afterAll(() => guarded.stop());
  const withUser = (user: string) => guarded.url.replace("//", `//${user}@`);

  it("opens with the credentials of the URL, which stand in nothing but the credential", async () => {
    const resolved = await resolveContext(`${withUser("ann:p%40ss%2Fword")}/acme/shop.git`);
    expect(resolved.credential).toEqual({ username: "ann", password: "p@ss/word" });
    expect(JSON.stringify({ ...resolved, credential: undefined })).not.toMatch(/ann|word/);
  });

  it("is refused without credentials, saying both that it may be private and that it may not exist", async () => {
    const error = await errorOf(`${guarded.url}/acme/shop.git`);
    expect(error.kind).toBe("REPOSITORY_ACCESS_DENIED");
    expect(error.message).toMatch(/private, or it does not exist/);
  });

  it("is refused with wrong credentials, without repeating them", async () => {
    const error = await errorOf(`${withUser("ann:wrong-one")}/acme/shop.git`);
    expect(error.kind).toBe("REPOSITORY_ACCESS_DENIED");
    expect(error.message).toContain("refuses these credentials");
    expect(error.message).not.toContain("wrong-one");
  });
});

describe("a host that", () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const one of servers) {
      one.closeAllConnections();
      one.close();
    }
  });

  async function serve(listener: RequestListener): Promise<string> {
    const one = createServer(listener);
    servers.push(one);
    await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
  }

  it("answers a page", async () => {
    const url = await serve((_request, response) =>
      response.setHeader("content-type", "text/html").end("<h1>Hello</h1>"),
    );
    const error = await errorOf(`${url}/acme/shop`);
    expect(error.kind).toBe("REPOSITORY_NOT_FOUND");
    expect(error.message).toContain("not as a Git server");
  });

  it("says that it is Git and is not", async () => {
    const url = await serve((_request, response) =>
      response.setHeader("content-type", "application/x-git-upload-pack-advertisement").end("zzzz"),
    );
    expect((await errorOf(`${url}/acme/shop.git`)).kind).toBe("REPOSITORY_NOT_FOUND");
  });

  it("is out of order", async () => {
    const url = await serve((_request, response) => response.writeHead(503).end());
    const error = await errorOf(`${url}/acme/shop.git`);
    expect(error.kind).toBe("HOST_UNREACHABLE");
    expect(error.retry).toBe(true);
  });

  it("never answers", async () => {
    const url = await serve(() => {});
    const error = await errorOf(`${url}/acme/shop.git`, { timeoutMs: 200 });
    expect(error.kind).toBe("HOST_UNREACHABLE");
    expect(error.message).toContain("did not answer within 0.2 seconds");
  });

  it("answers without end, byte by byte", async () => {
    const url = await serve((_request, response) => {
      response.setHeader("content-type", "application/x-git-upload-pack-advertisement");
      const timer = setInterval(() => response.write("0"), 20);
      response.on("close", () => clearInterval(timer));
    });
    expect((await errorOf(`${url}/acme/shop.git`, { timeoutMs: 200 })).kind).toBe("HOST_UNREACHABLE");
  });

  it("redirects in a circle", async () => {
    const url = await serve((request, response) => response.writeHead(302, { location: request.url ?? "" }).end());
    expect((await errorOf(`${url}/acme/shop.git`)).kind).toBe("REPOSITORY_NOT_FOUND");
  });

  it("redirects to a Git server, which does not get the credentials of the first", async () => {
    const seen: (string | undefined)[] = [];
    const target = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: `${server.url}${request.url}` }).end();
    });
    const first = await serve((request, response) =>
      response.writeHead(301, { location: `${target}${request.url}` }).end(),
    );
    const { context } = await resolveContext(`${first.replace("//", "//ann:secret@")}/acme/shop.git`);
    expect(context.commit).toBe(shop.commits.main);
    expect(seen).toEqual([undefined]);
  });

  it("knows a repository only with .git, as servers of plain folders do", async () => {
    const url = await serve((request, response) => {
      if (!request.url?.includes(".git/")) response.writeHead(404).end();
      else response.writeHead(307, { location: `${server.url}${request.url}` }).end();
    });
    const { context } = await resolveContext(`${url}/acme/shop/tree/old`);
    expect(context).toMatchObject({ ref: "old", repository: { name: "shop", cloneUrl: `${url}/acme/shop.git` } });
    expect((await errorOf(`${url}/acme/absent`)).kind).toBe("REPOSITORY_NOT_FOUND");
  });

  it("is not there", async () => {
    const probe = createTcpServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const error = await errorOf(`http://127.0.0.1:${port}/acme/shop.git`);
    expect(error.kind).toBe("HOST_UNREACHABLE");
    expect(error.message).toContain(`127.0.0.1:${port} refuses connections`);
  });

  it("has a name that nobody has", async () => {
    const error = await errorOf("https://git.invalid/acme/shop.git");
    expect(error.kind).toBe("HOST_UNREACHABLE");
    expect(error.message).toContain("git.invalid");
  });
});

describe("where private hosts are refused", () => {
  const refuse = { privateHosts: "refuse" } as const;

  it("asks no private address, written or looked up", async () => {
    const { port } = new URL(server.url);
    for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]) {
      const error = await errorOf(`http://${host}:${port}/acme/shop.git`, refuse);
      expect([host, error.kind, error.message]).toEqual([
        host,
        "HOST_UNREACHABLE",
        expect.stringContaining("private address"),
      ]);
    }
  });
});
