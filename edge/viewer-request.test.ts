import crypto from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { realClock } from "#local/clock.ts";
import type { EdgeRequest, EdgeResponse } from "#local/cloudfront/edge-event.ts";
import { createEdgeFunction } from "#local/cloudfront/edge-function.ts";
import type { RoutePayload } from "#protocol/route-token.ts";

const SOURCE = await readFile(new URL("./viewer-request.js", import.meta.url), "utf8");
const EDGE_KEY = crypto.randomBytes(32);
const HOST = "amber-otter-x7k2m3q4.ws.localhost:4000";
const INSTANCE = "amber-otter-x7k2m3q4-r2";
const ORIGIN = "ec2-192-0-2-7.compute-1.amazonaws.com";

type Bag = EdgeRequest["headers"];

let origins: Record<string, unknown>[];
let store: Map<string, string>;

beforeEach(() => {
  origins = [];
  store = new Map([
    ["edge-key.1", EDGE_KEY.toString("base64url")],
    ["site", JSON.stringify({ dashboard: "http://localhost:4000", hostSuffix: ".ws.localhost:4000", secure: false })],
  ]);
});

/** The function as the embedded cloud's edge runs it: only what CloudFront's runtime has is there. */
async function run(request: Partial<EdgeRequest>): Promise<EdgeRequest & EdgeResponse & { headers: Bag }> {
  const edge = createEdgeFunction({
    name: "viewer-request",
    code: SOURCE,
    clock: realClock,
    log: { info() {}, warn() {}, error() {} },
    keyValueStore: { get: (key) => store.get(key), count: () => store.size },
  });
  const result = edge.run({
    version: "1.0",
    context: {
      distributionDomainName: "d1.cloudfront.net",
      distributionId: "D1",
      eventType: "viewer-request",
      requestId: "1",
    },
    viewer: { ip: "127.0.0.1" },
    request: {
      method: "GET",
      uri: "/",
      querystring: {},
      cookies: {},
      ...request,
      headers: { host: { value: HOST }, ...request.headers },
    },
  });
  if ("request" in result && result.origin) origins.push({ ...result.origin });
  return ("request" in result ? result.request : result.response) as EdgeRequest & EdgeResponse & { headers: Bag };
}

function sign(change: Partial<RoutePayload> = {}, key = EDGE_KEY): string {
  const kind = change.t ?? "token";
  const payload: RoutePayload = {
    t: kind,
    k: "1",
    h: HOST,
    i: INSTANCE,
    o: ORIGIN,
    e: Math.floor(Date.now() / 1_000) + 60,
    s: "session",
    ...change,
  };
  const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
  const proof = crypto.createHmac("sha256", key).update(text).digest("base64url");
  return kind === "token" ? `${text}.${proof}.c3VwZXJ2aXNvcg` : `${text}.${proof}`;
}

const navigate = { "sec-fetch-mode": { value: "navigate" } };

describe("viewer-request", () => {
  it("fits into 10 kB and imports nothing but cloudfront and crypto", () => {
    expect(Buffer.byteLength(SOURCE)).toBeLessThanOrEqual(10_240);
    expect([...SOURCE.matchAll(/^import .* from "(.*)";$/gm)].map((match) => match[1])).toEqual([
      "cloudfront",
      "crypto",
    ]);
    expect(SOURCE).not.toMatch(/\?\.|\?\?|=> \{ \.\.\.|\brequire\b|^export/m);
  });

  it("routes a valid token to its task and hides the cookie from it", async () => {
    const token = sign();
    const request = await run({ cookies: { atelier_route: { value: token }, theme: { value: "dark" } } });
    expect(request.statusCode).toBeUndefined();
    expect(request.headers["x-atelier-route"]).toEqual({ value: token });
    expect(request.cookies).toEqual({ theme: { value: "dark" } });
    expect(origins).toEqual([
      {
        domainName: ORIGIN,
        hostHeader: HOST,
        customOriginConfig: { port: 22_999, protocol: "http", sslProtocols: ["TLSv1.2"] },
      },
    ]);
  });

  it("finds the good token among planted ones", async () => {
    const token = sign();
    const request = await run({
      cookies: { atelier_route: { value: "planted", multiValue: [{ value: "planted" }, { value: token }] } },
    });
    expect(request.headers["x-atelier-route"]).toEqual({ value: token });
    expect(request.cookies).toEqual({});
  });

  it("takes only the __Host- cookie when the site is secure", async () => {
    store.set(
      "site",
      JSON.stringify({ dashboard: "https://a.example", hostSuffix: ".ws.localhost:4000", secure: true }),
    );
    const planted = await run({ cookies: { atelier_route: { value: sign() } } });
    expect(planted.statusCode).toBe(401);
    const request = await run({
      cookies: { "__host-atelier_route": { value: sign() }, atelier_route: { value: "x" } },
    });
    expect(request.headers["x-atelier-route"]).toBeDefined();
    expect(request.cookies).toEqual({});
  });

  it("lets a valid ticket through to its task with its query, its cookie and no route header", async () => {
    const ticket = sign({ t: "ticket" });
    const request = await run({
      querystring: { "atelier-ticket": { value: ticket }, a: { value: "1" } },
      headers: { "x-atelier-route": { value: "forged" } },
      cookies: { atelier_route: { value: "old" } },
    });
    expect(request.querystring).toEqual({ "atelier-ticket": { value: ticket }, a: { value: "1" } });
    expect(request.headers["x-atelier-route"]).toBeUndefined();
    expect(request.cookies).toEqual({});
    expect(origins).toHaveLength(1);
  });

  it.each([
    ["signed with another key", () => sign({}, crypto.randomBytes(32))],
    ["of an unknown key generation", () => sign({ k: "9" })],
    ["for another host", () => sign({ h: `3000-${HOST}` })],
    ["of another workspace's instance", () => sign({ i: "amber-otter-aaaaaaaa-r2" })],
    ["that is over", () => sign({ e: Math.floor(Date.now() / 1_000) - 1 })],
    ["that is a ticket", () => `${sign({ t: "ticket" })}.c3VwZXJ2aXNvcg`],
    ["without a supervisor's proof", () => sign().split(".").slice(0, 2).join(".")],
  ])("refuses a token %s", async (_case, make) => {
    const answer = await run({ cookies: { atelier_route: { value: make() } } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["cache-control"]).toEqual({ value: "no-store" });
    expect(answer.body).toContain("not signed in");
    expect(origins).toEqual([]);
  });

  it("refuses a token in the place of a ticket", async () => {
    const parts = sign().split(".").slice(0, 2).join(".");
    const answer = await run({ querystring: { "atelier-ticket": { value: parts } } });
    expect(answer.statusCode).toBe(401);
    expect(origins).toEqual([]);
  });

  it("never routes on any change of a token's characters", async () => {
    const token = sign();
    const signed = token.lastIndexOf(".");
    await fc.assert(
      fc.asyncProperty(fc.nat(signed - 1), fc.constantFrom(..."ABab01-_."), async (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        origins = [];
        await run({ cookies: { atelier_route: { value: changed } } });
        // The last character of a 32-byte proof carries 2 spare bits, but texts are compared, so no second spelling passes.
        expect(origins).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("sends a navigation to /enter with the whole URL, without the ticket", async () => {
    const answer = await run({
      uri: "/a%20b",
      querystring: {
        x: { value: "1", multiValue: [{ value: "1" }, { value: "a%26b" }] },
        flag: { value: "" },
        "atelier-ticket": { value: "stale.ticket" },
      },
      headers: navigate,
    });
    expect(answer.statusCode).toBe(302);
    expect(answer.headers["cache-control"]).toEqual({ value: "no-store" });
    const location = new URL(answer.headers.location?.value as string);
    expect(location.origin + location.pathname).toBe("http://localhost:4000/enter");
    expect(location.searchParams.get("to")).toBe(`http://${HOST}/a%20b?x=1&x=a%26b&flag`);
  });

  it.each([
    ["a browser without fetch metadata", { accept: { value: "text/html,*/*" } }, "GET", 302],
    ["a POST navigation", navigate, "POST", 401],
    ["a script's request", { "sec-fetch-mode": { value: "cors" }, accept: { value: "text/html" } }, "GET", 401],
    ["an upgrade", { "sec-websocket-key": { value: "x" }, accept: { value: "text/html" } }, "GET", 401],
    ["a favicon", { "sec-fetch-mode": { value: "no-cors" } }, "GET", 401],
    ["a service worker", { "sec-fetch-mode": { value: "same-origin" } }, "GET", 401],
    ["a program", { accept: { value: "*/*" } }, "GET", 401],
  ])("answers %s without a token as it can be understood", async (_case, headers, method, status) => {
    expect((await run({ headers, method })).statusCode).toBe(status);
  });

  it.each([
    "evil.example",
    "ws.localhost:4000",
    "Amber.ws.localhost:4000",
    "70000-amber-otter-x7k2m3q4.ws.localhost:4000",
  ])("says 404 on %s", async (host) => {
    const answer = await run({ headers: { host: { value: host }, ...navigate } });
    expect(answer.statusCode).toBe(404);
    expect(answer.body).toContain("http://localhost:4000/");
  });

  it("drops what only a proxy may say", async () => {
    const request = await run({
      cookies: { atelier_route: { value: sign() } },
      headers: {
        "x-forwarded-for": { value: "1.2.3.4" },
        forwarded: { value: "for=1" },
        "x-atelier-anything": { value: "1" },
      },
    });
    expect(Object.keys(request.headers).sort()).toEqual(["host", "x-atelier-route"]);
  });

  it("asks the dashboard for a new proof when it is told to, whatever the browser holds", async () => {
    const asked = await run({
      uri: "/src",
      querystring: { "atelier-enter": { value: "1" }, a: { value: "b" } },
      cookies: { atelier_route: { value: sign({ t: "token" }) } },
      headers: { "sec-fetch-mode": { value: "navigate" } },
    });
    expect(asked.statusCode).toBe(302);
    expect(asked.headers.location?.value).toBe(
      `http://localhost:4000/enter?to=${encodeURIComponent(`http://${HOST}/src?a=b`)}`,
    );
    expect(origins).toEqual([]);
  });
});
