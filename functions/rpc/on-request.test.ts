import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSession } from "#functions/access/session.ts";
import { rememberOpened } from "#functions/access/user-store.ts";
import type { HttpEvent } from "#functions/runtime/aws-events.ts";
import { clock } from "#functions/runtime/clock.ts";
import { startTestParameters, type TestParameters } from "#functions/runtime/test-parameters.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { newInstance } from "#functions/workspaces/facts.ts";
import { insertWorkspace } from "#functions/workspaces/workspace-store.ts";
import { type ErrorBody, MAX_SOCKET_MESSAGE_BYTES } from "#protocol/json-rpc.ts";
import { createRepository, type GitServer, startGitServer } from "../../test/git-server.ts";
import { handlers } from "./handlers.ts";
import { handler } from "./on-request.ts";
import { createRouter } from "./router.ts";

const ORIGIN = "http://localhost:4000";
const BEARER = "amber-otter-x7k2m5q4-r1.the-secret";
let parameters: TestParameters;
let stopTable: () => Promise<void>;
let cookie: string;
let git: GitServer;
let root: string;

beforeAll(async () => {
  parameters = await startTestParameters();
  stopTable = await startTestTable();
  Object.assign(process.env, {
    DASHBOARD_ORIGIN: ORIGIN,
    WORKSPACE_HOST_SUFFIX: ".ws.localhost:4000",
    MAX_RUNNING_INSTANCES: "8",
    QUEUE_URL: "http://127.0.0.1:9/queue",
  });
  cookie = (await startSession({ id: "u-ann", name: "Ann", email: "ann@acme.test" }, "s1")).split(";")[0] ?? "";
  root = await mkdtemp(join(tmpdir(), "on-request-"));
  await createRepository(root, "acme/shop.git", { branches: { main: { "a.txt": "a" } } });
  git = await startGitServer({ root });
  await insertWorkspace({
    id: "amber-otter-x7k2m5q4",
    ownerId: "u-ann",
    contextUrl: `${git.url}/acme/shop.git`,
    context: {
      kind: "repository",
      repository: { host: new URL(git.url).host, owner: "acme", name: "shop", cloneUrl: `${git.url}/acme/shop.git` },
      ref: "main",
      refType: "branch",
      path: "",
      title: "acme/shop · main",
    },
    class: "standard",
    createdAt: clock.now(),
    lastUsedAt: clock.now(),
    revision: 1,
    run: 1,
    volume: { directory: "d" },
    instance: {
      ...newInstance({ id: "amber-otter-x7k2m5q4-r1", requestedAt: clock.now(), class: "standard", volumeKept: false }),
      secretHash: createHash("sha256").update("the-secret").digest("hex"),
    },
  });
});
afterAll(async () => {
  await git.stop();
  await rm(root, { recursive: true, force: true });
  await stopTable();
  await parameters.stop();
});

interface Answer {
  status: number;
  result?: Record<string, unknown>;
  error?: ErrorBody;
  id?: unknown;
}

async function post(body: unknown, headers: Record<string, string> = {}, cookies: string[] = []): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await handler({
    routeKey: "POST /rpc",
    headers,
    cookies,
    body: Buffer.from(text).toString("base64"),
    isBase64Encoded: true,
    requestContext: { requestId: "r" },
  } as unknown as HttpEvent);
  return { status: answer.statusCode, ...(answer.body ? (JSON.parse(answer.body) as object) : {}) };
}

const call = (method: string, params?: unknown) => ({ jsonrpc: "2.0", id: 1, method, params });
const me = call("user.me", {});

describe("POST /rpc", () => {
  it("answers a person's call with its id", async () => {
    const answer = await post({ ...me, id: "a" }, { origin: ORIGIN }, [cookie]);
    expect(answer).toMatchObject({
      status: 200,
      id: "a",
      result: { id: "u-ann", name: "Ann", email: "ann@acme.test", limits: { runningInstances: 8 } },
    });
  });

  it("takes parameters left out for none", async () => {
    expect(await post(call("user.me"), { origin: ORIGIN }, [cookie])).toMatchObject({ result: { id: "u-ann" } });
  });

  it("answers a notification with nothing", async () => {
    expect(await post({ jsonrpc: "2.0", method: "user.me" }, { origin: ORIGIN }, [cookie])).toEqual({ status: 204 });
  });

  it.each([
    ["{", 400, "PARSE_ERROR"],
    ["", 400, "PARSE_ERROR"],
    ["[]", 400, "INVALID_REQUEST"],
    ["1", 400, "INVALID_REQUEST"],
    ['{"id":1,"method":"user.me"}', 400, "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1,"method":"user.me","params":[1]}', 400, "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1,"method":"user.you"}', 200, "METHOD_NOT_FOUND"],
    ['{"jsonrpc":"2.0","id":1,"method":"toString"}', 200, "METHOD_NOT_FOUND"],
  ])("answers %s with %i %s", async (body, status, name) => {
    expect(await post(body, { origin: ORIGIN }, [cookie])).toMatchObject({ status, error: { data: { name } } });
  });

  it("refuses unknown and wrong parameters, naming them", async () => {
    const answer = await post(call("workspace.get", { id: "nonsense" }), { origin: ORIGIN }, [cookie]);
    expect(answer.error).toMatchObject({
      message: "id: This is not a workspace id.",
      data: { name: "INVALID_PARAMS", path: "id" },
    });
    const unknown = await post(call("user.me", { x: 1 }), { origin: ORIGIN }, [cookie]);
    expect(unknown.error?.data).toMatchObject({ name: "INVALID_PARAMS", path: "x" });
  });

  it("refuses more than 1 MB", async () => {
    const answer = await post(call("user.me", { x: "x".repeat(1_000_000) }), { origin: ORIGIN }, [cookie]);
    expect(answer.error?.data.name).toBe("MESSAGE_TOO_LARGE");
  });

  it("logs an unexpected error and shows nothing of it", async () => {
    const broken = { ...handlers, "user.me": () => Promise.reject(new Error("inner detail")) };
    const route = createRouter(broken);
    const user = { kind: "user", userId: "u", name: "", sessionId: "s" } as const;
    const response = await route({ jsonrpc: "2.0", id: 1, method: "user.me", params: {} }, user);
    expect(response).toMatchObject({ error: { code: -32603, data: { name: "INTERNAL_ERROR", retry: true } } });
    expect(JSON.stringify(response)).not.toContain("inner detail");
  });

  it("does not start with a method that nobody handles", () => {
    const { "user.me": _left, ...others } = handlers;
    expect(() => createRouter(others as typeof handlers)).toThrow("user.me");
  });
});

describe("a caller with a cookie", () => {
  it.each([
    ["the dashboard", { origin: ORIGIN }, 200],
    ["a program without Origin", {}, 200],
    ["the dashboard's own GET-like calls", { "sec-fetch-site": "same-origin" }, 200],
  ])("is answered from %s", async (_name, headers, status) => {
    expect((await post(me, headers as Record<string, string>, [cookie])).status).toBe(status);
  });

  it.each([
    ["another site", { origin: "http://evil.test" }],
    ["a workspace, which is same-site", { origin: "http://amber-otter-x7k2m5q4.ws.localhost:4000" }],
    ["a prefix of the origin", { origin: "http://localhost:40" }],
    ["an opaque origin", { origin: "null" }],
    ["a browser that hides its origin", { "sec-fetch-site": "cross-site" }],
    ["a sibling that hides its origin", { "sec-fetch-site": "same-site" }],
  ])("is refused from %s", async (_name, headers) => {
    const answer = await post(me, headers as Record<string, string>, [cookie]);
    expect(answer.error?.data.name).toBe("PERMISSION_DENIED");
  });

  it("is nobody with an altered cookie", async () => {
    const answer = await post(me, { origin: ORIGIN }, [`${cookie}x`]);
    expect(answer).toMatchObject({ status: 401, id: 1, error: { data: { name: "UNAUTHENTICATED" } } });
  });

  it("may not make an instance's calls", async () => {
    const answer = await post(call("instance.heartbeat", { activeAt: 1 }), { origin: ORIGIN }, [cookie]);
    expect(answer.error?.data.name).toBe("PERMISSION_DENIED");
  });
});

describe("a caller with a bearer", () => {
  const beat = call("instance.heartbeat", { activeAt: 1 });
  const bearer = { authorization: `Bearer ${BEARER}` };

  it("makes its instance's calls", async () => {
    expect((await post(beat, bearer)).result).toEqual({ accepted: true });
  });

  it("may not make a person's calls, even beside a person's cookie", async () => {
    expect((await post(me, bearer, [cookie])).error?.data.name).toBe("PERMISSION_DENIED");
  });

  it("is refused beside an Origin", async () => {
    expect((await post(beat, { ...bearer, origin: ORIGIN })).error?.data.name).toBe("PERMISSION_DENIED");
  });

  it.each([`Bearer ${BEARER}x`, "Bearer x", "Bearer ", `Basic ${BEARER}`, BEARER])(
    "is nobody with %j",
    async (authorization) => {
      expect(await post(beat, { authorization })).toMatchObject({
        status: 401,
        error: { data: { name: "UNAUTHENTICATED" } },
      });
    },
  );
});

describe("nobody", () => {
  it("may say hello, and nothing else", async () => {
    const hello = call("instance.hello", {
      instanceId: "amber-otter-x7k2m5q4-r1",
      ticket: "no ticket",
      secretHash: "0".repeat(64),
      protocolVersion: 1,
    });
    expect((await post(hello)).error?.message).toContain("ticket");
    expect((await post(me)).status).toBe(401);
  });
});

describe("context.resolve", () => {
  const resolve = (path: string) =>
    post(call("context.resolve", { contextUrl: `${git.url}/acme/${path}` }), { origin: ORIGIN }, [cookie]);

  it("says what it is, whether it is known, and which workspaces there are", async () => {
    const first = await resolve("shop.git");
    expect(first.result).toMatchObject({
      context: { ref: "main" },
      known: false,
      class: "standard",
      existing: ["amber-otter-x7k2m5q4"],
    });
    await rememberOpened("u-ann", `${git.url}/acme/shop.git`);
    expect((await resolve("shop.git")).result).toMatchObject({ known: true });
  });

  it("knows no commit by its hash: it may be a fork's, which hosts hand out as the repository's own", async () => {
    await rememberOpened("u-ann", `${git.url}/acme/shop.git`);
    const { result = {} } = await resolve("shop.git");
    const { commit } = result.context as { commit: string };
    expect((await resolve(`shop.git/commit/${commit}`)).result).toMatchObject({
      context: { kind: "commit", commit },
      known: false,
    });
  });

  it("passes on why not", async () => {
    expect((await resolve("absent.git")).error?.data).toMatchObject({
      name: "REPOSITORY_NOT_FOUND",
      path: "contextUrl",
    });
  });
});

it("has room on sockets for a ticket", async () => {
  const answer = await post(call("socket.ticket", {}), { origin: ORIGIN }, [cookie]);
  expect(answer.result?.ticket).toMatch(/^[\w-]{22}$/);
  expect(JSON.stringify(answer).length).toBeLessThan(MAX_SOCKET_MESSAGE_BYTES);
});
