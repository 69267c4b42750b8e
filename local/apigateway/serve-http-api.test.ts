import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HeldClock, realRandom } from "#local/clock.ts";
import type { InvokeResult } from "#local/service.ts";
import { type ApiGateway, createApiGateway } from "./create-apigateway.ts";

const FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:on-request";
let gateway: ApiGateway;
let apiId: string;
let clock: HeldClock;
let answer: (event: Record<string, unknown>) => unknown;
let seen: Record<string, unknown>[];

beforeEach(async () => {
  seen = [];
  clock = new HeldClock();
  const log = { info() {}, warn() {}, error() {} };
  gateway = createApiGateway(
    { clock, random: realRandom, log, stateDirectory: undefined, region: "us-east-1", accountId: "111122223333" },
    {
      functions: {
        async invoke(functionArn, payload): Promise<InvokeResult> {
          expect(functionArn).toBe(FUNCTION);
          const event = JSON.parse(JSON.stringify(payload)) as Record<string, unknown>;
          seen.push(event);
          const result = await answer(event);
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
  apiId = await deploy("Api", "HttpApi", { ProtocolType: "HTTP", Name: "api" });
  const uri = `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${FUNCTION}/invocations`;
  const integration = await deploy("Integration", "Integration", {
    ApiId: apiId,
    IntegrationType: "AWS_PROXY",
    IntegrationUri: uri,
    PayloadFormatVersion: "2.0",
  });
  for (const RouteKey of ["POST /workspaces/{id}/start", "GET /plain"]) {
    await deploy("Route", RouteKey, { ApiId: apiId, RouteKey, Target: `integrations/${integration}` });
  }
  await deploy("Stage", "Stage", { ApiId: apiId, StageName: "$default", AutoDeploy: true });
  await gateway.start?.();
});

afterEach(() => gateway.stop?.());

async function send(method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) {
  const host = `${apiId}.execute-api.us-east-1.amazonaws.com`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...gateway.resolveOrigin(host), method, path, headers: { host, ...headers }, agent: false }, resolve)
      .on("error", reject)
      .end(body);
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

it("gives the function an event of the recorded shape", async () => {
  answer = () => ({ statusCode: 204 });
  const headers = {
    accept: "application/json",
    "content-type": "application/json",
    cookie: "__Host-sid=abc; theme=dark",
    origin: "https://app.example.com",
    "user-agent": "Mozilla/5.0",
    "x-forwarded-for": "203.0.113.10",
  };
  expect((await send("POST", "/workspaces/01HZX/start?a=1&a=2", headers, '{"size":"medium"}')).status).toBe(204);
  const recorded = JSON.parse(readFileSync(new URL("./recorded-http-event.json", import.meta.url), "utf8")) as Record<
    string,
    unknown
  >;
  const [event = {}] = seen;
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
  // No authorizer stands before this route, and the connection's own header is none of the function's business.
  const { authorizer: _none, ...recordedContext } = recorded.requestContext as Record<string, unknown>;
  expect(shape(event)).toEqual(shape({ ...recorded, requestContext: recordedContext }));
  for (const key of [
    "version",
    "routeKey",
    "rawPath",
    "rawQueryString",
    "cookies",
    "queryStringParameters",
    "pathParameters",
    "body",
    "isBase64Encoded",
  ]) {
    expect([key, event[key]]).toEqual([key, recorded[key]]);
  }
  expect(event.requestContext).toMatchObject({
    http: { sourceIp: "203.0.113.10", method: "POST" },
    stage: "$default",
    apiId,
    timeEpoch: clock.now(),
  });
  expect((event.requestContext as { time: string }).time).toBe("01/Jan/2026:00:00:00 +0000");
});

it("gives a body that is not text as base64", async () => {
  answer = (event) => ({
    statusCode: 200,
    body: event.body,
    isBase64Encoded: true,
    headers: { "content-type": "image/png" },
  });
  const got = await send("POST", "/workspaces/a/start", { "content-type": "image/png" }, Buffer.from([1, 2, 255]));
  expect(seen[0]).toMatchObject({ body: "AQL/", isBase64Encoded: true });
  expect(got.headers).toMatchObject({ "content-type": "image/png", "content-length": "3" });
});

it("answers status, headers and cookies of the function", async () => {
  answer = () => ({
    statusCode: 302,
    headers: { Location: "/x", "X-A": 1 },
    cookies: ["a=1; HttpOnly", "b=2"],
    body: "go",
  });
  expect(await send("GET", "/plain")).toMatchObject({
    status: 302,
    body: "go",
    headers: { location: "/x", "x-a": "1", "set-cookie": ["a=1; HttpOnly", "b=2"] },
  });
});

it.each([
  [{ a: 1 }, '{"a":1}'],
  ["text", "text"],
  [["x"], '["x"]'],
])("takes an answer without statusCode as the body of a 200: %j", async (result, body) => {
  answer = () => result;
  expect(await send("GET", "/plain")).toMatchObject({
    status: 200,
    body,
    headers: { "content-type": "application/json" },
  });
});

it.each([
  ["a thrown error", () => new Error("secret")],
  ["a status that is none", () => ({ statusCode: "soon" })],
  ["a body that is no text", () => ({ statusCode: 200, body: { a: 1 } })],
])("answers 500 and nothing more to %s", async (_what, result) => {
  answer = result;
  expect(await send("GET", "/plain")).toMatchObject({ status: 500, body: '{"message":"Internal Server Error"}' });
});

it("answers 404 without a route and 413 above 10 MB, and invokes nothing", async () => {
  answer = () => ({ statusCode: 200 });
  expect((await send("GET", "/none")).status).toBe(404);
  expect((await send("HEAD", "/plain")).status).toBe(404);
  expect((await send("POST", "/workspaces/a/start", {}, Buffer.alloc(10 * 1024 * 1024 + 1))).status).toBe(413);
  expect(seen).toEqual([]);
});

it("answers 503 after 30 seconds", async () => {
  let invoked = () => {};
  const started = new Promise<void>((resolve) => {
    invoked = resolve;
  });
  answer = () => {
    invoked();
    return new Promise(() => {});
  };
  const pending = send("GET", "/plain");
  await started;
  await clock.advance(29_999);
  expect(clock.pending).toBe(1);
  await clock.advance(1);
  expect(await pending).toMatchObject({ status: 503, body: '{"message":"Service Unavailable"}' });
});
