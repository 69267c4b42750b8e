import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import { end, idOf, next, open, opened, post, recorded, rig, shape, startRig, stopRig } from "./socket-api.fixture.ts";

beforeEach(startRig);
afterEach(stopRig);

describe("a connection", () => {
  it("gives its functions events of the recorded shapes", async () => {
    const socket = await opened(
      open(undefined, {
        headers: {
          Origin: "https://app.example.com",
          Cookie: "__Host-sid=...",
          "User-Agent": "Mozilla/5.0",
          "X-Forwarded-For": "203.0.113.10",
          "Sec-WebSocket-Extensions": "permessage-deflate",
        },
        protocols: [],
      }),
    );
    socket.send('{"method":"nothing"}');
    await vi.waitFor(() => expect(rig.seen.default).toHaveLength(1));
    socket.close(4_001, "bye");
    await vi.waitFor(() => expect(rig.seen.disconnect).toHaveLength(1));
    const connect = recorded("connect") as { headers: object; multiValueHeaders: object };
    const withoutProtocol = (headers: object) => {
      const { "Sec-WebSocket-Protocol": _absent, ...rest } = headers as Record<string, unknown>;
      return rest;
    };
    expect(shape(rig.seen.connect?.[0])).toEqual({
      ...connect,
      headers: withoutProtocol(connect.headers),
      multiValueHeaders: withoutProtocol(connect.multiValueHeaders),
    });
    expect(shape(rig.seen.default?.[0])).toEqual(recorded("message"));
    expect(shape(rig.seen.disconnect?.[0])).toEqual(recorded("disconnect"));
    expect(rig.seen.connect?.[0]).toMatchObject({
      queryStringParameters: { t: "one-time-ticket" },
      requestContext: { stage: "socket", identity: { sourceIp: "203.0.113.10" } },
    });
    expect(rig.seen.disconnect?.[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 4_001,
      disconnectReason: "bye",
      connectionId: idOf(),
    });
  });

  it.each([
    ["its status", () => ({ statusCode: 401 }), 401],
    ["403 for a status that is no error's", () => ({ statusCode: 302 }), 403],
    ["403 for an answer without one", () => undefined, 403],
    ["502 when it throws", () => new Error("x"), 502],
  ])("is refused by $connect with %s", async (_what, handler, status) => {
    rig.handlers.connect = handler;
    const refused = await new Promise((resolve) =>
      open().on("unexpected-response", (_request, response) => resolve(response.statusCode)),
    );
    expect(refused).toBe(status);
    await expect(post("x")).rejects.toMatchObject({ name: "GoneException" });
  });

  it("is refused outside a stage and under another Host", async () => {
    const status = (socket: WebSocket) =>
      new Promise((resolve) => socket.on("unexpected-response", (_request, response) => resolve(response.statusCode)));
    expect(await status(open("/other"))).toBe(403);
    expect(await status(open("/socket", { headers: { host: "localhost:4000" } }))).toBe(403);
    expect(rig.seen.connect).toBeUndefined();
  });

  it("is disconnected when its client leaves before $connect has returned", async () => {
    let release = () => {};
    rig.handlers.connect = () =>
      new Promise((resolve) => {
        release = () => resolve({ statusCode: 200 });
      });
    const socket = open();
    socket.on("error", () => {});
    await vi.waitFor(() => expect(rig.seen.connect).toHaveLength(1));
    const closed = end(socket);
    socket.terminate();
    await closed;
    // The API's side hears of it in its own time; until then the connection would be made and end at once, which looks the same.
    release();
    await vi.waitFor(() => expect(rig.seen.disconnect).toHaveLength(1));
    expect(rig.seen.disconnect?.[0]?.requestContext).toMatchObject({
      connectionId: idOf(),
      disconnectStatusCode: 1006,
    });
  });

  it("does not keep the API from stopping while $connect runs", async () => {
    rig.handlers.connect = () => new Promise(() => {});
    const socket = open();
    socket.on("error", () => {});
    await vi.waitFor(() => expect(rig.seen.connect).toHaveLength(1));
    const closed = end(socket);
    await rig.gateway.stop?.();
    await closed;
  });

  it("agrees on the subprotocol that $connect answers, and on none otherwise", async () => {
    rig.handlers.connect = () => ({ statusCode: 200, headers: { "Sec-WebSocket-Protocol": "b" } });
    expect((await opened(open(undefined, { protocols: ["a", "b"] }))).protocol).toBe("b");
    rig.handlers.connect = () => ({ statusCode: 200 });
    await expect(opened(open(undefined, { protocols: ["a"] }))).rejects.toThrow(/subprotocol/);
  });

  it("handles its messages at the same time, and sends an answer back only where the route says so", async () => {
    const release: (() => void)[] = [];
    rig.handlers.default = () => new Promise<void>((resolve) => release.push(resolve));
    rig.handlers.echo = (event) => ({ statusCode: 200, body: `echo ${String(event.body)}` });
    const socket = await opened();
    socket.send("not json");
    socket.send('{"method":"$connect"}');
    await vi.waitFor(() => expect(release).toHaveLength(2));
    const answer = next(socket);
    socket.send('{"method":"echo"}');
    expect(await answer).toBe('echo {"method":"echo"}');
    for (const one of release) one();
  });

  it("tells the client when the function fails, without its reason", async () => {
    rig.handlers.default = () => new Error("secret");
    const socket = await opened();
    const answer = next(socket);
    socket.send("{}");
    expect(JSON.parse(await answer)).toEqual({
      message: "Internal server error",
      connectionId: idOf(),
      requestId: expect.any(String),
    });
  });

  it.each([
    ["a frame above 32 KB", (socket: WebSocket) => socket.send("x".repeat(32 * 1_024 + 1))],
    [
      "a message above 128 KB",
      (socket: WebSocket) => {
        for (let i = 0; i < 5; i += 1) socket.send("x".repeat(30_000), { fin: i === 4 });
      },
    ],
  ])("is closed with 1009 for %s", async (_what, send) => {
    const socket = await opened();
    send(socket);
    expect((await end(socket))[0]).toBe(1009);
    expect(rig.seen.default).toBeUndefined();
  });

  it("takes a message of four frames", async () => {
    const socket = await opened();
    for (let i = 0; i < 4; i += 1) socket.send("x".repeat(30_000), { fin: i === 3 });
    await vi.waitFor(() => expect(rig.seen.default?.[0]?.body).toHaveLength(120_000));
  });

  it("ends after 10 minutes without a message, and after 2 hours in any case", async () => {
    const quiet = await opened();
    const ended = end(quiet);
    await rig.clock.advance(10 * 60_000);
    expect((await ended)[0]).toBe(1001);
    const busy = await opened();
    const over = end(busy);
    for (let minute = 0; minute < 120; minute += 9) {
      expect(busy.readyState).toBe(busy.OPEN);
      const received = next(busy);
      await post("beat");
      await received;
      await rig.clock.advance(9 * 60_000);
    }
    expect((await over)[0]).toBe(1001);
    await vi.waitFor(() => expect(rig.seen.disconnect).toHaveLength(2));
    expect(rig.clock.pending).toBe(0);
  });
});
