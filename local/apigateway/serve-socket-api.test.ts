import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { HeldClock, realRandom } from "#local/clock.ts";
import type { ApiRequest, InvokeResult } from "#local/service.ts";
import { type ApiGateway, createApiGateway } from "./create-apigateway.ts";

type Event = Record<string, unknown> & { requestContext: Record<string, unknown> & { connectionId: string } };

let gateway: ApiGateway;
let clock: HeldClock;
let endpoint: Server;
let client: ApiGatewayManagementApiClient;
let apiId: string;
let handlers: Record<string, (event: Event) => unknown>;
let seen: Record<string, Event[]>;
let last: ApiRequest;

beforeEach(async () => {
  clock = new HeldClock();
  seen = {};
  handlers = { connect: () => ({ statusCode: 200 }), default: () => ({ statusCode: 200, body: "ignored" }) };
  const log = { info() {}, warn() {}, error() {} };
  gateway = createApiGateway(
    { clock, random: realRandom, log, stateDirectory: undefined, region: "us-east-1", accountId: "111122223333" },
    {
      functions: {
        async invoke(functionArn, payload): Promise<InvokeResult> {
          const name = functionArn.split(":").at(-1) as string;
          const event = JSON.parse(JSON.stringify(payload)) as Event;
          const list = seen[name] ?? [];
          seen[name] = list;
          list.push(event);
          const result = await handlers[name]?.(event);
          return result instanceof Error
            ? { ok: false, error: { errorType: "Error", errorMessage: result.message } }
            : { ok: true, payload: result };
        },
        invokeAsync() {},
      },
    },
  );
  const deploy = async (type: string, id: string, properties: object) =>
    String(
      (await gateway.resources[`AWS::ApiGatewayV2::${type}`]?.deploy(id, properties as Record<string, unknown>))?.ref,
    );
  apiId = await deploy("Api", "SocketApi", {
    ProtocolType: "WEBSOCKET",
    RouteSelectionExpression: "$request.body.method",
  });
  for (const [RouteKey, name, more] of [
    ["$connect", "connect", {}],
    ["$default", "default", {}],
    ["$disconnect", "disconnect", {}],
    ["echo", "echo", { RouteResponseSelectionExpression: "$default" }],
  ] as const) {
    const integration = await deploy("Integration", name, {
      ApiId: apiId,
      IntegrationType: "AWS_PROXY",
      IntegrationUri: `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:${name}/invocations`,
    });
    await deploy("Route", RouteKey, { ApiId: apiId, RouteKey, Target: `integrations/${integration}`, ...more });
  }
  await deploy("Stage", "Stage", { ApiId: apiId, StageName: "socket", AutoDeploy: true });
  await gateway.start?.();
  endpoint = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = incoming.headers as Record<string, string>;
    last = {
      service: "execute-api",
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      query: new URLSearchParams(),
      headers,
      body: Buffer.concat(chunks),
    };
    const answer = await gateway.api?.handle(last);
    response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  client = new ApiGatewayManagementApiClient({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/${apiId}/socket`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });
});

afterEach(async () => {
  client.destroy();
  endpoint.closeAllConnections();
  await new Promise((resolve) => endpoint.close(resolve));
  await gateway.stop?.();
});

const domain = () => `${apiId}.execute-api.us-east-1.amazonaws.com`;

function open(
  path = "/socket?t=one-time-ticket",
  more: { protocols?: string[]; headers?: Record<string, string> } = {},
): WebSocket {
  const address = gateway.resolveOrigin(domain()) as { socketPath: string };
  return new WebSocket(`ws+unix://${address.socketPath}:${path}`, more.protocols ?? [], {
    headers: { host: domain(), ...more.headers },
  });
}
async function opened(socket = open()): Promise<WebSocket> {
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}
const next = (socket: WebSocket) =>
  new Promise<string>((resolve) =>
    socket.once("message", (data, isBinary) => resolve(isBinary ? `binary ${String(data)}` : String(data))),
  );
const end = (socket: WebSocket) =>
  new Promise<[number, string]>((resolve) => socket.once("close", (code, reason) => resolve([code, String(reason)])));
const idOf = () => seen.connect?.at(-1)?.requestContext.connectionId as string;
const post = (Data: string | Uint8Array, ConnectionId = idOf()) =>
  client.send(new PostToConnectionCommand({ ConnectionId, Data }));
const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shape)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort()
            .map(([key, one]) => [key, shape(one)]),
        )
      : typeof value;
function recorded(name: string): unknown {
  const event = JSON.parse(readFileSync(new URL(`./recorded-socket-${name}.json`, import.meta.url), "utf8")) as Event;
  const { authorizer: _none, ...requestContext } = event.requestContext;
  return shape({ ...event, requestContext });
}

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
    await vi.waitFor(() => expect(seen.default).toHaveLength(1));
    socket.close(4_001, "bye");
    await vi.waitFor(() => expect(seen.disconnect).toHaveLength(1));
    const connect = recorded("connect") as { headers: object; multiValueHeaders: object };
    const withoutProtocol = (headers: object) => {
      const { "Sec-WebSocket-Protocol": _absent, ...rest } = headers as Record<string, unknown>;
      return rest;
    };
    expect(shape(seen.connect?.[0])).toEqual({
      ...connect,
      headers: withoutProtocol(connect.headers),
      multiValueHeaders: withoutProtocol(connect.multiValueHeaders),
    });
    expect(shape(seen.default?.[0])).toEqual(recorded("message"));
    expect(shape(seen.disconnect?.[0])).toEqual(recorded("disconnect"));
    expect(seen.connect?.[0]).toMatchObject({
      queryStringParameters: { t: "one-time-ticket" },
      requestContext: { stage: "socket", identity: { sourceIp: "203.0.113.10" } },
    });
    expect(seen.disconnect?.[0]?.requestContext).toMatchObject({
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
    handlers.connect = handler;
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
    expect(seen.connect).toBeUndefined();
  });

  it("agrees on the subprotocol that $connect answers, and on none otherwise", async () => {
    handlers.connect = () => ({ statusCode: 200, headers: { "Sec-WebSocket-Protocol": "b" } });
    expect((await opened(open(undefined, { protocols: ["a", "b"] }))).protocol).toBe("b");
    handlers.connect = () => ({ statusCode: 200 });
    await expect(opened(open(undefined, { protocols: ["a"] }))).rejects.toThrow(/subprotocol/);
  });

  it("handles its messages at the same time, and sends an answer back only where the route says so", async () => {
    const release: (() => void)[] = [];
    handlers.default = () => new Promise<void>((resolve) => release.push(resolve));
    handlers.echo = (event) => ({ statusCode: 200, body: `echo ${String(event.body)}` });
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
    handlers.default = () => new Error("secret");
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
    expect(seen.default).toBeUndefined();
  });

  it("takes a message of four frames", async () => {
    const socket = await opened();
    for (let i = 0; i < 4; i += 1) socket.send("x".repeat(30_000), { fin: i === 3 });
    await vi.waitFor(() => expect(seen.default?.[0]?.body).toHaveLength(120_000));
  });

  it("ends after 10 minutes without a message, and after 2 hours in any case", async () => {
    const quiet = await opened();
    const ended = end(quiet);
    await clock.advance(10 * 60_000);
    expect((await ended)[0]).toBe(1001);
    const busy = await opened();
    const over = end(busy);
    for (let minute = 0; minute < 120; minute += 9) {
      expect(busy.readyState).toBe(busy.OPEN);
      const received = next(busy);
      await post("beat");
      await received;
      await clock.advance(9 * 60_000);
    }
    expect((await over)[0]).toBe(1001);
    await vi.waitFor(() => expect(seen.disconnect).toHaveLength(2));
    expect(clock.pending).toBe(0);
  });
});

describe("@connections, through the SDK's client", () => {
  it("posts text, large ones in several frames, and bytes that are no text", async () => {
    const socket = await opened();
    for (const text of ["häßlich", "ü".repeat(60_000)]) {
      const received = next(socket);
      await post(text);
      expect(await received).toBe(text);
    }
    const received = next(socket);
    await post(Uint8Array.from([0xff, 0xfe]));
    expect(await received).toMatch(/^binary/);
    expect(gateway.permissions?.(last)).toEqual([
      {
        action: "execute-api:ManageConnections",
        resource: `arn:aws:execute-api:us-east-1:111122223333:${apiId}/socket/POST/@connections/${idOf()}`,
      },
    ]);
  });

  it("answers 410 for an unknown connection, before $connect has returned, and after the end", async () => {
    await expect(post("x", "unknown=")).rejects.toMatchObject({ name: "GoneException" });
    let early: unknown;
    handlers.connect = async (event) => {
      early = await post("x", event.requestContext.connectionId).catch((error: unknown) => error);
      return { statusCode: 200 };
    };
    const socket = await opened();
    expect(early).toMatchObject({ name: "GoneException" });
    socket.terminate();
    await vi.waitFor(() => expect(seen.disconnect).toHaveLength(1));
    await expect(post("x")).rejects.toMatchObject({ name: "GoneException" });
    expect(seen.disconnect?.[0]?.requestContext).toMatchObject({ disconnectStatusCode: 1006 });
  });

  it("refuses more than 128 KB with 413, and more than a client takes with 429", async () => {
    await opened();
    await expect(post("x".repeat(128 * 1_024 + 1))).rejects.toMatchObject({ name: "PayloadTooLargeException" });
    const address = gateway.resolveOrigin(domain()) as { socketPath: string };
    const deaf = connect(address.socketPath);
    deaf.write(
      `GET /socket HTTP/1.1\r\nHost: ${domain()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    await new Promise((resolve) => deaf.once("data", resolve));
    deaf.pause();
    const fill = async () => {
      for (let i = 0; i < 100; i += 1) await post("x".repeat(120_000));
    };
    await expect(fill()).rejects.toMatchObject({ name: "LimitExceededException" });
    deaf.destroy();
  });

  it("tells about a connection, and ends it", async () => {
    const socket = await opened(open(undefined, { headers: { "user-agent": "UA" } }));
    const got = await client.send(new GetConnectionCommand({ ConnectionId: idOf() }));
    expect(got).toMatchObject({
      ConnectedAt: new Date(clock.now()),
      Identity: { SourceIp: "127.0.0.1", UserAgent: "UA" },
    });
    const ended = end(socket);
    await client.send(new DeleteConnectionCommand({ ConnectionId: idOf() }));
    await ended;
    await expect(client.send(new GetConnectionCommand({ ConnectionId: idOf() }))).rejects.toMatchObject({
      name: "GoneException",
    });
  });
});
