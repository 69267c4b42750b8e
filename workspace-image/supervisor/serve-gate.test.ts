import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import { TokenCheck } from "./check-token.ts";
import { realClock } from "./clock.ts";
import { HOST, INSTANCE, ORIGIN, ROUTE_KEYS, routeToken, WORKSPACE } from "./control-plane.fixture.ts";
import { type Answer, askGate, makeUpstream, type UpgradeAnswer, upgradeGate } from "./gate.fixture.ts";
import { Activity } from "./note-activity.ts";
import { Gate, takeTicket } from "./serve-gate.ts";

let folder: string;
let ide: http.Server;
let seen: http.IncomingMessage[];
let gate: Gate;
let port: number;
let openPorts: Set<number>;
let activity: Activity;
let redeemed: string[];
const stops: (() => void)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gate-"));
  seen = [];
  redeemed = [];
  openPorts = new Set();
  ide = makeUpstream(seen, stops);
  await new Promise<void>((resolve) => ide.listen(join(folder, "ide.sock"), resolve));
  activity = new Activity(realClock);
  gate = new Gate({
    workspaceId: WORKSPACE,
    clock: realClock,
    activity,
    idePath: join(folder, "ide.sock"),
    ports: { has: async (one) => openPorts.has(one) },
    redeem: async (ticket, host) => {
      redeemed.push(`${ticket} ${host}`);
      if (ticket === "away") throw new AtelierError("UNAVAILABLE", "later");
      if (ticket !== "good") throw new AtelierError("PERMISSION_DENIED", "used");
      return { token: "token", cookieName: "atelier_route", secure: false, maxAgeSeconds: 60 };
    },
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
  for (const stop of stops.splice(0)) stop();
  await rm(folder, { recursive: true });
});

const ask = (path: string, headers?: Record<string, string>, method?: string, body?: string): Promise<Answer> =>
  askGate(port, path, headers, method, body);
const upgrade = (path: string, headers?: Record<string, string>): Promise<UpgradeAnswer> =>
  upgradeGate(port, path, headers);

const PAST = Math.floor(Date.now() / 1_000) - 1;
const BAD_TOKENS: [string, () => string][] = [
  ["without a token", () => ""],
  ["with nonsense", () => "a.b.c"],
  ["with a token of another host", () => routeToken({ h: `3000-${HOST}` })],
  ["with a token of another instance", () => routeToken({ i: `${WORKSPACE}-r1` })],
  ["with a token that is over", () => routeToken({ e: PAST })],
  ["with a ticket's payload", () => routeToken({ t: "ticket" })],
  ["with a key that is not known", () => routeToken({ k: "9" })],
  ["with another key's signature", () => routeToken({}, generateKeyPairSync("ed25519").privateKey)],
  [
    "with a changed payload",
    () => [routeToken({ s: "x" }).split(".")[0], ...routeToken().split(".").slice(1)].join("."),
  ],
  ["with a fourth part", () => `${routeToken()}.more`],
];

describe("the gate", () => {
  it.each(BAD_TOKENS)("refuses a request and an upgrade %s", async (_case, token) => {
    const answer = await ask("/a?b=c", { "x-atelier-route": token(), accept: "text/html" });
    expect(answer.status).toBe(401);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.body).toContain(`http://localhost:4000/enter?to=${encodeURIComponent(`${ORIGIN}/a?b=c`)}`);
    expect((await upgrade("/", { "x-atelier-route": token() })).status).toBe(401);
    expect(seen).toEqual([]);
  });

  it.each([
    ["another workspace", "amber-otter-aaaaaaaa.ws.localhost:4000"],
    ["another domain", "evil.example"],
    ["no label", "ws.localhost:4000"],
    ["a suffix alone", ".ws.localhost:4000"],
    ["a port that is none", `70000-${HOST}`],
  ])("refuses the host of %s even with a token for it", async (_case, host) => {
    const answer = await ask("/", { host, "x-atelier-route": routeToken({ h: host }) });
    expect(answer.status).toBe(401);
    expect(seen).toEqual([]);
  });

  it("hands a request on with its body, and keeps our header and cookie to itself both ways", async () => {
    const cookie = "a=1; atelier_route=secret; __Host-atelier_route=secret; b=2; ATELIER_ROUTE=secret";
    const headers = { origin: ORIGIN, cookie, "x-atelier-other": "1", connection: "keep-alive, x-hop", "x-hop": "1" };
    const answer = await ask("/api", headers, "POST", "hello");
    expect(answer).toMatchObject({ status: 200, body: "got hello" });
    expect(answer.headers["set-cookie"]).toEqual(["theme=dark"]);
    expect(seen[0]?.headers.cookie).toBe("a=1; b=2");
    expect(seen[0]?.headers.host).toBe(HOST);
    expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => /atelier|x-hop/.test(name))).toEqual([]);
  });

  it("joins a WebSocket both ways, without our header and cookie", async () => {
    const { status, socket, cookies } = await upgrade("/socket?x=1", { cookie: "atelier_route=secret; c=3" });
    expect(status).toBe(101);
    const echoed = new Promise((resolve) => socket?.on("message", (data) => resolve(data.toString())));
    socket?.send("hi");
    expect(await echoed).toBe("echo hi");
    expect(cookies).toEqual(["ok=1"]);
    expect(seen[0]?.headers.cookie).toBe("c=3");
    expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith("x-atelier"))).toEqual([]);
    const closed = new Promise((resolve) => ide.once("close", resolve));
    socket?.terminate();
    ide.close();
    await closed;
  });

  it("gives a refused upgrade back as it was refused, without our cookie", async () => {
    expect(await upgrade("/no")).toEqual({ status: 418, body: "no", cookies: undefined });
  });

  it.each([
    ["a sibling's page", `http://amber-otter-aaaaaaaa.ws.localhost:4000`],
    ["one of its own ports", `http://3000-${HOST}`],
    ["the dashboard", "http://localhost:4000"],
    ["the same host with another scheme", `https://${HOST}`],
    ["a sandboxed page", "null"],
    ["no page", ""],
  ])("refuses an upgrade and unsafe methods of %s", async (_case, origin) => {
    expect((await upgrade("/", { origin })).status).toBe(403);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      expect((await ask("/", origin ? { origin } : {}, method)).status).toBe(403);
    }
    expect(seen).toEqual([]);
  });

  it.each([
    ["a sibling's script or image", { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, 403],
    ["another site's fetch", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }, 403],
    [
      "a frame of a sibling",
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      403,
    ],
    [
      "a link of the dashboard",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      200,
    ],
    ["its own script", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, 200],
    ["the address bar", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, 200],
  ])("answers %s with %3$i", async (_case, headers, status) => {
    expect((await ask("/a", headers)).status).toBe(status);
  });

  it("trades a ticket for a cookie and a clean URL on its own host", async () => {
    const headers = { "x-atelier-route": "" };
    const answer = await ask("//evil.example/x?a=%20&atelier-ticket=good&b", headers);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe(`${ORIGIN}//evil.example/x?a=%20&b`);
    expect(answer.headers["set-cookie"]).toEqual(["atelier_route=token; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"]);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(redeemed).toEqual([`good ${HOST}`]);
    expect((await ask("/?atelier-ticket=used", headers)).status).toBe(401);
    expect((await ask("/?atelier-ticket=away", headers)).status).toBe(503);
  });

  it("takes no ticket on another workspace's host, with another method, or from a socket", async () => {
    await ask("/?atelier-ticket=good", { host: "amber-otter-aaaaaaaa.ws.localhost:4000" });
    await ask("/?atelier-ticket=good", {}, "POST");
    await upgrade("/?atelier-ticket=good", { "x-atelier-route": "" });
    expect(redeemed).toEqual([]);
  });

  it("takes its parameter out of a target and leaves the rest as written", () => {
    expect(takeTicket("/a?x=%2F&atelier-ticket=t&y")).toEqual({ ticket: "t", path: "/a?x=%2F&y" });
    expect(takeTicket("/?atelier-ticket=t")).toEqual({ ticket: "t", path: "/" });
    expect(takeTicket("/?atelier-tickets=t")).toEqual({ ticket: undefined, path: "/?atelier-tickets=t" });
    expect(takeTicket("/plain")).toEqual({ ticket: undefined, path: "/plain" });
  });

  it("puts the folder into the workbench's page, and into no other", async () => {
    expect((await ask("/")).body).toContain("/workspace/shop");
    expect((await ask("/other")).body).not.toContain("/workspace/shop");
  });

  it("says that it is starting until there is something to open, and stopping afterwards", async () => {
    gate.opening = undefined;
    const starting = await ask("/", { accept: "text/html" });
    expect([starting.status, starting.headers["retry-after"]]).toEqual([503, "1"]);
    expect(starting.body).toContain("still starting");
    gate.access = undefined;
    expect((await ask("/?atelier-ticket=good")).status).toBe(503);
    expect(redeemed).toEqual([]);
    gate.isStopping = true;
    expect((await ask("/")).body).toContain("stopping");
    expect((await upgrade("/")).status).toBe(503);
  });

  it("says that the editor does not answer when it is away or breaks off", async () => {
    await expect(ask("/cut")).rejects.toThrow();
    ide.closeAllConnections();
    await new Promise((resolve) => ide.close(resolve));
    expect((await ask("/")).status).toBe(503);
    expect((await upgrade("/")).status).toBe(503);
  });

  it("lets go of the request behind it when the browser leaves", async () => {
    const socket = net.connect(port, "127.0.0.1");
    socket.write(`GET /hang HTTP/1.1\r\nHost: ${HOST}\r\nX-Atelier-Route: ${routeToken()}\r\n\r\n`);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const left = new Promise((resolve) => seen[0]?.socket.once("close", resolve));
    socket.destroy();
    await left;
  });

  it("counts requests and open sockets of the IDE as activity", async () => {
    const before = activity.at;
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(before));
    await ask("/a");
    const after = activity.at;
    expect(after).toBeGreaterThan(before);
    const { socket } = await upgrade("/");
    await vi.waitFor(() => expect(activity.at).toBeGreaterThan(after + 5));
    socket?.terminate();
  });
});

describe("a port's host", () => {
  let app: http.Server;
  let appPort: number;
  let host: string;
  const signedIn = (): Record<string, string> => ({ host, "x-atelier-route": routeToken({ h: host }) });

  beforeEach(async () => {
    app = makeUpstream(seen, stops);
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    appPort = (app.address() as AddressInfo).port;
    host = `${appPort}-${HOST}`;
    openPorts.add(appPort);
  });

  it("reaches what listens there, with the same checks", async () => {
    expect((await ask("/x", { ...signedIn(), origin: `http://${host}` }, "POST", "1")).body).toBe("got 1");
    expect((await ask("/x", { host })).status).toBe(401);
    expect((await ask("/x", { ...signedIn(), origin: ORIGIN }, "POST")).status).toBe(403);
    const { socket, status } = await upgrade("/", { ...signedIn(), origin: `http://${host}` });
    expect(status).toBe(101);
    socket?.terminate();
    expect((await upgrade("/", signedIn())).status).toBe(403);
  });

  it("reaches a server on ::1 too", async () => {
    await new Promise((resolve) => app.close(resolve));
    app = makeUpstream(seen, stops);
    await new Promise<void>((resolve) => app.listen(appPort, "::1", resolve));
    expect((await ask("/x", signedIn())).status).toBe(200);
  });

  it("may be framed by the IDE, as a preview", async () => {
    const frame = { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" };
    expect((await ask("/x", { ...signedIn(), ...frame })).status).toBe(200);
  });

  it("says that nothing listens yet, and reaches nothing of the machine that is not the workspace's", async () => {
    openPorts.clear();
    const answer = await ask("/x", signedIn());
    expect(answer.status).toBe(503);
    expect(answer.body).toContain(`Nothing listens on port ${appPort} yet`);
    expect(seen).toEqual([]);
  });
});
