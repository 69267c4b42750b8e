import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { realClock, realRandom } from "#local/clock.ts";
import { createFrontDoor, type FrontDoor } from "#local/front-door/create-front-door.ts";
import type { ServiceContext } from "#local/service.ts";
import { type CloudFront, createCloudFront } from "./create-cloudfront.ts";
import { createKeyValueStores } from "./create-key-value-stores.ts";

const CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3";
const ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
const EDGE = `import cf from 'cloudfront';
async function handler(event) {
  const request = event.request;
  if (request.uri === '/deny') return { statusCode: 401, statusDescription: 'Unauthorized', headers: { 'content-type': { value: 'text/plain' } },
    cookies: { a: { value: '1', attributes: 'HttpOnly' } }, body: 'no' };
  if (request.uri === '/throw') throw new Error('secret detail');
  delete request.cookies.route;
  request.headers['x-route'] = { value: await cf.kvs().get('k') };
  cf.updateRequestOrigin({ domainName: request.uri === '/gone' ? 'gone.task' : 'task-1.compute', customOriginConfig: { port: 22999, protocol: 'http' } });
  return request;
}`;

let origin: Server;
let cloudFront: CloudFront;
let door: FrontDoor;
let respond: (request: IncomingMessage, response: import("node:http").ServerResponse) => void;
let upgraded: IncomingMessage | undefined;

const context: ServiceContext = {
  clock: realClock,
  random: realRandom,
  log: { info() {}, warn() {}, error() {} },
  stateDirectory: undefined,
  region: "us-east-1",
  accountId: "111122223333",
};

beforeEach(async () => {
  origin = createServer((incoming, response) => respond(incoming, response));
  const sockets = new WebSocketServer({ server: origin });
  sockets.on("connection", (socket, incoming) => {
    upgraded = incoming;
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const address = { host: "127.0.0.1", port: (origin.address() as AddressInfo).port };
  const keyValueStores = createKeyValueStores(context);
  const store = await keyValueStores.resources["AWS::CloudFront::KeyValueStore"]?.deploy("Store", { Name: "s" });
  const storeArn = String(store?.attributes?.Arn);
  await keyValueStores.api?.handle({
    service: "cloudfront-keyvaluestore",
    method: "PUT",
    path: `/key-value-stores/${encodeURIComponent(storeArn)}/keys/k`,
    query: new URLSearchParams(),
    headers: { "if-match": "KV000000000001" },
    body: Buffer.from('{"Value":"from-store"}'),
  });
  cloudFront = createCloudFront(context, {
    keyValueStores,
    origins: [{ resolveOrigin: (name) => (name === "api.example" ? address : undefined) }],
    addresses: {
      resolve: (name, port) => {
        if (name === "gone.task") return { host: "127.0.0.1", port: 1 };
        return name === "task-1.compute" && port === 22_999 ? address : undefined;
      },
    },
  });
  const deploy = async (type: string, id: string, properties: Record<string, unknown>) =>
    String((await cloudFront.resources[`AWS::CloudFront::${type}`]?.deploy(id, properties))?.ref);
  const functionArn = await deploy("Function", "Edge", {
    Name: "edge",
    FunctionCode: EDGE,
    FunctionConfig: {
      Comment: "",
      Runtime: "cloudfront-js-2.0",
      KeyValueStoreAssociations: [{ KeyValueStoreARN: storeArn }],
    },
  });
  const policy = await deploy("ResponseHeadersPolicy", "Headers", {
    ResponseHeadersPolicyConfig: {
      Name: "h",
      SecurityHeadersConfig: {
        FrameOptions: { FrameOption: "DENY", Override: true },
        ContentTypeOptions: { Override: true },
      },
    },
  });
  const api = {
    Id: "api",
    DomainName: "api.example",
    OriginPath: "/v1",
    CustomOriginConfig: { OriginProtocolPolicy: "https-only" },
  };
  await deploy("Distribution", "Dashboard", {
    DistributionConfig: {
      Enabled: true,
      Aliases: ["localhost"],
      DefaultRootObject: "index.html",
      Origins: [api],
      CacheBehaviors: [
        {
          PathPattern: "/rpc",
          TargetOriginId: "api",
          AllowedMethods: METHODS,
          CachePolicyId: CACHING_DISABLED,
          OriginRequestPolicyId: ALL_VIEWER_EXCEPT_HOST,
          ViewerProtocolPolicy: "allow-all",
        },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: "api",
        CachePolicyId: CACHING_OPTIMIZED,
        Compress: true,
        ResponseHeadersPolicyId: policy,
        ViewerProtocolPolicy: "allow-all",
      },
      CustomErrorResponses: [{ ErrorCode: 403, ResponseCode: 200, ResponsePagePath: "/index.html" }],
    },
  });
  await deploy("Distribution", "Workspaces", {
    DistributionConfig: {
      Enabled: true,
      Aliases: ["*.ws.localhost"],
      Origins: [
        { Id: "nowhere", DomainName: "nowhere.invalid", CustomOriginConfig: { OriginProtocolPolicy: "http-only" } },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: "nowhere",
        AllowedMethods: METHODS,
        CachePolicyId: CACHING_DISABLED,
        OriginRequestPolicyId: ALL_VIEWER,
        ViewerProtocolPolicy: "allow-all",
        FunctionAssociations: [{ EventType: "viewer-request", FunctionARN: functionArn }],
      },
    },
  });
  door = createFrontDoor(context, { port: 0, find: (name) => cloudFront.find(name) });
  await door.start();
});

afterEach(async () => {
  await door.stop();
  await cloudFront.stop?.();
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
});

interface Sent {
  host?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}
async function send(path: string, { host = "localhost", method = "GET", headers = {}, body }: Sent = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { host: `${host}:${door.port}`, ...headers };
    request({ host: "127.0.0.1", port: door.port, path, method, headers: all, agent: false }, resolve)
      .on("error", reject)
      .end(body);
  });
  return { status: response.statusCode, headers: response.headers, response };
}
const workspace = "a.ws.localhost";

describe("the dashboard's distribution", () => {
  it("forwards only what its policies select, under the origin's name and path", async () => {
    respond = (incoming, response) => response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
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
    respond = (incoming, response) => {
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
    respond = (incoming, response) => {
      response.writeHead(incoming.url === "/v1/index.html" ? 200 : 403).end(incoming.url);
    };
    expect((await send("/page", { method: "DELETE" })).status).toBe(200);
    const missing = await send("/missing");
    expect([missing.status, await text(missing.response)]).toEqual([200, "/v1/index.html"]);
  });
});

describe("the workspaces' distribution", () => {
  it("sends a request where the function says, with the viewer's Host, the function's header and without the deleted cookie", async () => {
    respond = (incoming, response) => response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
    const headers = { cookie: "route=t; own=2", "x-route": "forged" };
    const seen = JSON.parse(await text((await send("/x?a=%2F", { host: workspace, headers })).response));
    expect(seen.url).toBe("/x?a=%2F");
    expect(seen.headers).toMatchObject({ host: `${workspace}:${door.port}`, cookie: "own=2", "x-route": "from-store" });
  });

  it("streams both ways without waiting for the end", async () => {
    respond = (incoming, response) => incoming.pipe(response);
    const outgoing = request({
      host: "127.0.0.1",
      port: door.port,
      path: "/echo",
      method: "POST",
      agent: false,
      headers: { host: `${workspace}:${door.port}` },
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
    respond = (_incoming, response) => {
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
      new WebSocket(`ws://127.0.0.1:${door.port}${path}`, ["proto"], {
        headers: { host: `${workspace}:${door.port}`, cookie: "route=t" },
      });
    const socket = open("/socket?x=1");
    await new Promise((resolve) => socket.once("open", resolve));
    const echoed = new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send("hello");
    expect(await echoed).toBe("hello");
    expect(upgraded?.url).toBe("/socket?x=1");
    expect(upgraded?.headers).toMatchObject({ "x-route": "from-store", "sec-websocket-protocol": "proto" });
    expect(upgraded?.headers).not.toHaveProperty("cookie");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    origin.closeAllConnections();
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
