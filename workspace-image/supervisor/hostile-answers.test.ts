/** What user code answers must neither end the supervisor nor reach a sibling. */
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TokenCheck } from "./check-token.ts";
import { realClock } from "./clock.ts";
import { HOST, INSTANCE, ROUTE_KEYS, routeToken, WORKSPACE } from "./control-plane.fixture.ts";
import { Activity } from "./note-activity.ts";
import { Gate } from "./serve-gate.ts";

let folder: string;
let gate: Gate;
let port: number;
let upstream: net.Server;
/** What the program behind the gate says to whatever it is asked. */
let said: string;
/** What it was sent, a text for each connection. */
let heard: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gate-"));
  heard = [];
  upstream = net.createServer((socket) => {
    const index = heard.push("") - 1;
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      heard[index] = `${heard[index]}${data}`;
      socket.write(said);
    });
  });
  const path = join(folder, "ide.sock");
  await new Promise<void>((resolve) => upstream.listen(path, resolve));
  gate = new Gate({
    workspaceId: WORKSPACE,
    clock: realClock,
    activity: new Activity(realClock),
    idePath: path,
    ports: { has: async () => true },
    redeem: () => Promise.reject(new Error("nobody has a ticket")),
  });
  gate.access = {
    tokens: new TokenCheck(ROUTE_KEYS, INSTANCE),
    hostSuffix: ".ws.localhost:4000",
    dashboardOrigin: "http://localhost:4000",
  };
  gate.opening = { folder: "/workspace/shop" };
  port = await gate.listen(0, "127.0.0.1");
});
afterEach(async () => {
  await gate.close();
  upstream.close();
  await rm(folder, { recursive: true });
});

function ask(more: { upgrade?: true; body?: string } = {}): Promise<http.IncomingMessage & { body: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: HOST,
      "x-atelier-route": routeToken(),
      ...(more.upgrade ? { connection: "Upgrade", upgrade: "websocket", origin: `http://${HOST}` } : {}),
      ...(more.body ? { "content-length": more.body.length } : {}),
    };
    const request = http.request({ host: "127.0.0.1", port, path: "/a", agent: false, headers });
    request.on("error", reject);
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(Object.assign(response, { body: "" }));
    });
    request.on("response", async (response) => resolve(Object.assign(response, { body: await text(response) })));
    request.end(more.body);
  });
}

describe("a program behind the gate", () => {
  it.each([
    ["a status below 100", "HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n"],
    ["a status of 0", "HTTP/1.1 000 No\r\ncontent-length: 0\r\n\r\n"],
    ["control characters in its reason", "HTTP/1.1 200 O\u0001K\r\ncontent-length: 0\r\n\r\n"],
    ["an upgrade that nobody asked for", "HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    ["no HTTP at all", "hello\r\n\r\n"],
  ])(
    "that answers %s gets a page in its place, to a request and to an upgrade, and the gate goes on",
    async (_case, answer) => {
      said = answer;
      expect((await ask()).statusCode).toBeGreaterThanOrEqual(200);
      await ask({ upgrade: true }).catch(() => undefined);
      said = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
      expect((await ask()).body).toBe("ok");
    },
  );

  it("sets cookies for its own host only: siblings share the domain above it", async () => {
    said =
      "HTTP/1.1 200 OK\r\nset-cookie: a=1; Domain=ws.localhost; Path=/\r\nset-cookie: b=2; Secure;DOMAIN = .ws.localhost\r\n" +
      "set-cookie: domain=3; Path=/\r\ncontent-length: 0\r\n\r\n";
    expect((await ask()).headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; Secure", "domain=3; Path=/"]);
  });

  it("is sent the body that a GET announces, so that the next request is its own", async () => {
    said = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    await ask({ body: "GET /smuggled HTTP/1.1\r\n\r\n" });
    await ask();
    expect(heard.join("")).toContain("GET /smuggled HTTP/1.1\r\n\r\nGET /a HTTP/1.1");
  });
});
