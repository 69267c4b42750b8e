import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { rig, send, startRig, stopRig, workspace } from "./distributions.fixture.ts";

beforeEach(startRig);
afterEach(stopRig);

describe("the dashboard's distribution", () => {
  it("forwards only what its policies select, under the origin's name and path", async () => {
    rig.respond = (incoming, response) =>
      response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
    const headers = { cookie: "a=1", "x-own": "1", authorization: "Bearer t" };
    const plain = JSON.parse(await text((await send("/page?q=1", { headers })).response));
    expect(plain.url).toBe("/v1/page");
    expect(plain.headers).toMatchObject({
      host: "api.example",
      "user-agent": "Amazon CloudFront",
      "x-forwarded-for": "127.0.0.1",
    });
    expect(plain.headers).not.toHaveProperty("x-own");
    expect(plain.headers).not.toHaveProperty("cookie");
    const all = JSON.parse(
      await text((await send("/rpc?q=1&q=%20", { headers, method: "POST", body: "{}" })).response),
    );
    expect(all.url).toBe("/v1/rpc?q=1&q=%20");
    expect(all.headers).toMatchObject({ host: "api.example", cookie: "a=1", "x-own": "1", authorization: "Bearer t" });
  });

  it("asks for the root object, puts its headers on, and compresses text for who takes it", async () => {
    const page = "<p>hello</p>".repeat(200);
    rig.respond = (incoming, response) => {
      expect(incoming.url).toBe("/v1/index.html");
      response.writeHead(200, { "content-type": "text/html", "content-length": page.length, etag: '"e"' }).end(page);
    };
    const { headers, response } = await send("/", { headers: { "accept-encoding": "gzip" } });
    expect(headers).toMatchObject({
      "content-encoding": "gzip",
      etag: 'W/"e"',
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe(page);
  });

  it("refuses a method that the behaviour does not take, and serves its own page for an error", async () => {
    rig.respond = (incoming, response) => {
      response.writeHead(incoming.url === "/v1/index.html" ? 200 : 403).end(incoming.url);
    };
    expect((await send("/page", { method: "DELETE" })).status).toBe(200);
    const missing = await send("/missing");
    expect([missing.status, await text(missing.response)]).toEqual([200, "/v1/index.html"]);
  });
});

describe("the workspaces' distribution", () => {
  it("sends a request where the function says, with the viewer's Host, the function's header and without the deleted cookie", async () => {
    rig.respond = (incoming, response) =>
      response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
    const headers = {
      cookie: "route=t; own=2",
      "x-route": "forged",
      "x-forwarded-for": "forged",
      "x-forwarded-proto": "forged",
      "x-real-ip": "forged",
    };
    const seen = JSON.parse(await text((await send("/x?a=%2F", { host: workspace, headers })).response));
    expect(seen.url).toBe("/x?a=%2F");
    expect(seen.headers).toMatchObject({
      host: `${workspace}:${rig.door.port}`,
      cookie: "own=2",
      "x-route": "from-store",
    });
    expect(seen.headers["x-forwarded-for"]).toBe("127.0.0.1");
    expect(JSON.stringify(seen.headers)).not.toContain("forged");
  });

  it("streams both ways without waiting for the end", async () => {
    rig.respond = (incoming, response) => incoming.pipe(response);
    const outgoing = request({
      host: "127.0.0.1",
      port: rig.door.port,
      path: "/echo",
      method: "POST",
      agent: false,
      headers: { host: `${workspace}:${rig.door.port}` },
    });
    outgoing.write("first");
    const response = await new Promise<IncomingMessage>((resolve) => outgoing.on("response", resolve));
    const reader = response[Symbol.asyncIterator]();
    expect(String((await reader.next()).value)).toBe("first");
    outgoing.write("second");
    expect(String((await reader.next()).value)).toBe("second");
    outgoing.end();
    expect((await reader.next()).done).toBe(true);
  });

  it("opens a stream of events before its first event", async () => {
    rig.respond = (_incoming, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
    };
    const { headers, response } = await send("/events", { host: workspace });
    expect(headers["content-type"]).toBe("text/event-stream");
    response.destroy();
  });

  it("answers by itself when the function does", async () => {
    const denied = await send("/deny", { host: workspace });
    expect([denied.status, denied.headers["set-cookie"], await text(denied.response)]).toEqual([
      401,
      ["a=1; HttpOnly"],
      "no",
    ]);
  });

  it("answers 503 for a function that throws, without what it threw, and 502 for an origin that is gone", async () => {
    const thrown = await send("/throw", { host: workspace });
    expect([thrown.status, (await text(thrown.response)).includes("secret")]).toEqual([503, false]);
    const gone = await send("/gone", { host: workspace, headers: { accept: "text/html" } });
    expect([gone.status, await text(gone.response)]).toEqual([502, expect.stringContaining("refused the connection")]);
  });

  it("carries WebSockets through the function, and refuses them as the function does", async () => {
    const open = (path: string) =>
      new WebSocket(`ws://127.0.0.1:${rig.door.port}${path}`, ["proto"], {
        headers: { host: `${workspace}:${rig.door.port}`, cookie: "route=t" },
      });
    const socket = open("/socket?x=1");
    await new Promise((resolve) => socket.once("open", resolve));
    const echoed = new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send("hello");
    expect(await echoed).toBe("hello");
    expect(rig.upgraded?.url).toBe("/socket?x=1");
    expect(rig.upgraded?.headers).toMatchObject({ "x-route": "from-store", "sec-websocket-protocol": "proto" });
    expect(rig.upgraded?.headers).not.toHaveProperty("cookie");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    rig.origin.closeAllConnections();
    socket.close();
    await closed;
    const refused = await new Promise<number | undefined>((resolve) => {
      const socket = open("/deny");
      socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    });
    expect(refused).toBe(401);
  });

  it("has no other name than one label under its alias", async () => {
    expect((await send("/", { host: "a.b.ws.localhost" })).status).toBe(421);
  });
});
