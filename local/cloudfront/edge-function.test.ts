import { describe, expect, it } from "vitest";
import type { EdgeEvent } from "./edge-event.ts";
import { createEdgeFunction, type EdgeFunctionOptions } from "./edge-function.ts";

const logged: string[] = [];
const clock = { now: () => 1_700_000_000_000, setTimeout: () => ({ cancel() {} }) };
const log = { info: (line: string) => void logged.push(line), warn() {}, error() {} };
const make = (code: string, more: Partial<EdgeFunctionOptions> = {}) =>
  createEdgeFunction({ name: "edge", code, clock, log, ...more });

function event(more: Partial<EdgeEvent["request"]> = {}): EdgeEvent {
  return {
    version: "1.0",
    context: {
      distributionDomainName: "d1.cloudfront.net",
      distributionId: "E1",
      eventType: "viewer-request",
      requestId: "r",
    },
    viewer: { ip: "127.0.0.1" },
    request: {
      method: "GET",
      uri: "/a",
      querystring: {},
      headers: { host: { value: "x.ws.localhost:4000" } },
      cookies: {},
      __rawQueryString: "b=1&b=2",
      ...more,
    },
  };
}

describe("an edge function", () => {
  it("answers a response, made by an async handler out of hashes, the store and the clock", () => {
    const edge = make(
      `import cf from 'cloudfront';
       import crypto from "crypto";
       const kvs = cf.kvs();
       async function handler(event) {
         const key = await kvs.get('edge-key.1');
         const site = await kvs.get('site', { format: 'json' });
         let missing = '';
         try { await kvs.get('no'); } catch (e) { missing = e.message; }
         const mac = crypto.createHmac('sha256', Buffer.from(key, 'base64url')).update('text').digest('base64url');
         console.log('mac', mac);
         return { statusCode: 200, headers: { 'x-mac': { value: mac } }, body: JSON.stringify([site.dashboard, missing, Date.now(),
           await kvs.exists('site'), crypto.createHash('md5').update('a').digest('hex'), event.request.rawQueryString(),
           btoa('a') + atob('YQ=='), new TextEncoder().encode('ä').length]) };
       }`,
      { keyValueStore: { get: (key) => ({ "edge-key.1": "AAAA", site: '{"dashboard":"d"}' })[key], count: () => 2 } },
    );
    const result = edge.run(event());
    const body = JSON.parse((result as { response: { body: string } }).response.body);
    expect(body).toEqual([
      "d",
      "KeyNotFound",
      1_700_000_000_000,
      true,
      "0cc175b9c0f1b6a831c399e269772661",
      "b=1&b=2",
      "YQ==a",
      2,
    ]);
    expect(logged.at(-1)).toMatch(/^mac [\w-]{43}$/);
  });

  it("sends the request to the origin that it chose", () => {
    const edge = make(`import cf from 'cloudfront';
      function handler(event) {
        event.request.headers['x-route'] = { value: 't' };
        delete event.request.cookies.secret;
        cf.updateRequestOrigin({ domainName: 'ec2-1.compute.amazonaws.com', hostHeader: 'h', customOriginConfig: { port: 22999, protocol: 'http' } });
        return event.request;
      }`);
    const result = edge.run(event({ cookies: { secret: { value: "1" }, own: { value: "2" } } }));
    expect(result).toMatchObject({
      origin: { domainName: "ec2-1.compute.amazonaws.com", hostHeader: "h", customOriginConfig: { port: 22999 } },
      request: { cookies: { own: { value: "2" } }, headers: { "x-route": { value: "t" } } },
    });
  });

  it.each(["127.0.0.1", "a:80", ""])("refuses the origin %j", (domainName) => {
    const edge = make(
      `import cf from 'cloudfront'; function handler(e) { cf.updateRequestOrigin({ domainName: ${JSON.stringify(domainName)} }); return e.request; }`,
    );
    expect(() => edge.run(event())).toThrow(/must be a DNS name/);
  });

  it("has none of Node's globals, no timers, and no way to make code from text", () => {
    const edge =
      make(`function handler() { const seen = ['process', 'require2', 'fetch', 'setTimeout', 'setInterval', 'host', 'global', 'URL', 'WebAssembly']
        .filter((name) => typeof globalThis[name] !== 'undefined');
      let evaluated = 'no'; try { evaluated = eval('1'); } catch (e) {}
      return { statusCode: 200, body: JSON.stringify([seen, evaluated]) }; }`);
    expect(edge.run(event())).toMatchObject({ response: { body: '[[],"no"]' } });
  });

  it("keeps nothing from one request to the next", () => {
    const edge = make(
      `let count = 0; function handler() { count += 1; return { statusCode: 200, body: String(count) }; }`,
    );
    edge.run(event());
    expect(edge.run(event())).toMatchObject({ response: { body: "1" } });
  });

  it("ends code that runs for ever, before and after an await, and works again afterwards", () => {
    const edge = make(
      `async function handler(event) { if (event.request.uri === '/loop') { await null; for (;;) {} } return event.request; }`,
    );
    expect(() => edge.run(event({ uri: "/loop" }))).toThrow(/timed out/);
    expect(edge.run(event())).toMatchObject({ request: { uri: "/a" } });
  });

  it("calls a promise that never settles an error", () => {
    expect(() => make("function handler() { return new Promise(() => {}); }").run(event())).toThrow(/never settles/);
  });

  it.each([
    ["the Host header", "event.request.headers.host = { value: 'evil' };", /read-only header host/],
    ["the method", "event.request.method = 'POST';", /another method/],
    [
      "a connection header",
      "event.request.headers.connection = { value: 'close' };",
      /connection, which is not allowed/,
    ],
    ["the cookie header", "event.request.headers.cookie = { value: 'a=1' };", /cookie, which is not allowed/],
  ])("refuses a change of %s", (_what, change, message) => {
    const edge = make(`function handler(event) { ${change} return event.request; }`);
    expect(() => edge.run(event())).toThrow(message);
  });

  it.each([
    ["another module", "import fs from 'fs'; function handler() {}", /Cannot load module "fs"/],
    ["a named import", "import { createHmac } from 'crypto'; function handler() {}", /is not supported/],
    ["no handler", "const a = 1;", /declares no function named handler/],
    ["more than 10 kB", `function handler() {} // ${"x".repeat(10_240)}`, /the limit is 10240/],
    ["wrong syntax", "function handler( {}", /Unexpected token|missing/],
  ])("is not made of code with %s", (_what, code, message) => {
    expect(() => make(code)).toThrow(message);
  });
});
