/** The edge of the workspaces' domain: the bytes that the template deploys decide about each request of a browser. */

import { deriveFrom, type RootSecret } from "#functions/runtime/derive-keys.ts";
import { readCookies, readQuery } from "#local/cloudfront/edge-event.ts";
import { createEdgeFunction, type EdgeFunction } from "#local/cloudfront/edge-function.ts";
import { ROUTE_HEADER } from "#protocol/route-token.ts";
import { DASHBOARD_ORIGIN, HOST_SUFFIX } from "./origins.ts";
import { readTemplate } from "./read-template.ts";

/** A page that is opened. */
export interface PageRequest {
  readonly url: URL;
  /** As a `Cookie` header. */
  readonly cookie: string;
}

export type EdgeDecision =
  | { readonly status: number; readonly location: string | undefined }
  /** `origin`: the task's public DNS name. */
  | { readonly origin: string; readonly path: string; readonly token: string | undefined };

/** Nothing of one request can be seen by the next, so that histories can share it. */
const made = new Map<string, EdgeFunction>();
let now: () => number = () => 0;

export class WorkspaceEdge {
  readonly #function: EdgeFunction;
  readonly #now: () => number;

  /** @param change of the code: a deliberate defect */
  constructor(root: RootSecret, clock: () => number, change: (code: string) => string = (code) => code) {
    const code = change(deployedCode());
    this.#function = made.get(code) ?? make(code, root);
    made.set(code, this.#function);
    this.#now = clock;
  }

  decide({ url, cookie }: PageRequest): EdgeDecision {
    now = this.#now;
    const result = this.#function.run({
      version: "1.0",
      context: { distributionDomainName: "d", distributionId: "D", eventType: "viewer-request", requestId: "1" },
      viewer: { ip: "198.51.100.7" },
      request: {
        method: "GET",
        uri: url.pathname,
        querystring: readQuery(url.search.slice(1)),
        headers: { host: { value: url.host }, "sec-fetch-mode": { value: "navigate" } },
        cookies: readCookies(cookie),
      },
    });
    if ("response" in result)
      return { status: result.response.statusCode, location: result.response.headers?.location?.value };
    const token = result.request.headers[ROUTE_HEADER]?.value;
    return { origin: result.origin?.domainName ?? "", path: `${url.pathname}${url.search}`, token };
  }
}

function make(code: string, root: RootSecret): EdgeFunction {
  const site = { dashboard: DASHBOARD_ORIGIN, hostSuffix: HOST_SUFFIX, secure: false };
  const store = new Map([
    [`edge-key.${root.id}`, deriveFrom(root, "atelier/edge").toString("base64url")],
    ["site", JSON.stringify(site)],
  ]);
  return createEdgeFunction({
    name: "viewer-request",
    code,
    clock: { now: () => now(), setTimeout: () => ({ cancel: () => undefined }) },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    keyValueStore: { get: (key) => store.get(key), count: () => store.size },
  });
}

function deployedCode(): string {
  const all = Object.values(readTemplate().template.Resources);
  const found = all.find(({ Type }) => Type === "AWS::CloudFront::Function");
  return String(found?.Properties?.FunctionCode);
}
