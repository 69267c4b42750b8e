/** From a viewer's request to the origin's: the viewer-request function, then the policies. No I/O. */
import type { IncomingHttpHeaders } from "node:http";
import type { OriginUpdate } from "./check-origin-update.ts";
import {
  type EdgeRequest,
  type EdgeResponse,
  readCookies,
  readHeaders,
  readQuery,
  writeCookies,
  writeHeaders,
  writeQuery,
} from "./edge-event.ts";
import { isVisibleToFunctions } from "./edge-function.ts";
import { selects } from "./forward-policy.ts";
import type { Behavior, Distribution } from "./read-distribution.ts";

export interface Viewer {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  readonly port: number;
}

export interface OriginRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly domainName: string;
  readonly port: number;
  readonly readTimeoutMs: number;
}

export type Plan = { readonly answer: EdgeResponse } | { readonly forward: OriginRequest };

/** Tells a bucket on whose behalf CloudFront signs; set or deleted on every request to a bucket, so a viewer cannot say it. */
export const SOURCE_ARN_HEADER = "x-local-source-arn";

/** @throws EdgeFunctionError */
export function planRequest(distribution: Distribution, behavior: Behavior, viewer: Viewer, requestId: string): Plan {
  const question = viewer.url.indexOf("?");
  const uri = question < 0 ? viewer.url : viewer.url.slice(0, question);
  const rawQuery = question < 0 ? "" : viewer.url.slice(question + 1);
  const sent: EdgeRequest = {
    method: viewer.method,
    uri,
    querystring: readQuery(rawQuery),
    headers: readHeaders(viewer.headers, isVisibleToFunctions),
    cookies: readCookies(viewer.headers.cookie),
  };
  const { viewerRequest } = behavior;
  if (!viewerRequest)
    return { forward: toOrigin(distribution, behavior, viewer, sent, rawQuery, undefined, requestId) };
  const { id, domainName } = distribution;
  const result = viewerRequest.run({
    version: "1.0",
    context: {
      distributionDomainName: domainName,
      distributionId: id,
      eventType: "viewer-request",
      requestId,
    },
    viewer: { ip: viewer.address },
    request: { ...sent, __rawQueryString: rawQuery },
  });
  if ("response" in result) return { answer: result.response };
  const unchanged = JSON.stringify(result.request.querystring) === JSON.stringify(sent.querystring);
  const query = unchanged ? rawQuery : writeQuery(result.request.querystring);
  return { forward: toOrigin(distribution, behavior, viewer, result.request, query, result.origin, requestId) };
}

function toOrigin(
  distribution: Distribution,
  behavior: Behavior,
  viewer: Viewer,
  request: EdgeRequest,
  query: string,
  update: OriginUpdate | undefined,
  requestId: string,
): OriginRequest {
  const { origin, originRequestPolicy } = behavior;
  const domainName = (update?.domainName ?? origin.domainName).toLowerCase();
  const uri =
    request.uri === "/" && distribution.defaultRootObject !== "" ? `/${distribution.defaultRootObject}` : request.uri;
  const selectedQuery = selectQuery(behavior, query);
  const headers = selectHeaders(behavior, viewer, request);
  for (const name of originRequestPolicy?.made ?? []) {
    const value = madeHeader(name, viewer);
    if (value !== undefined) headers[name] = value;
  }
  // What the function left of it: it may have taken the viewer's claim away.
  const forwardedFor = request.headers["x-forwarded-for"]?.value;
  headers["x-forwarded-for"] = forwardedFor === undefined ? viewer.address : `${forwardedFor}, ${viewer.address}`;
  headers["user-agent"] ??= "Amazon CloudFront";
  headers.via = `1.1 ${distribution.domainName} (CloudFront)`;
  headers["x-amz-cf-id"] = requestId;
  Object.assign(headers, update?.customHeaders ?? origin.customHeaders);
  if (origin.isBucket) {
    delete headers[SOURCE_ARN_HEADER];
    if (origin.signed) headers[SOURCE_ARN_HEADER] = distribution.arn;
  }
  headers.host = update?.hostHeader ?? headers.host ?? domainName;
  const custom = update?.customOriginConfig;
  return {
    method: request.method,
    path: `${update?.originPath ?? origin.originPath}${uri}${selectedQuery === "" ? "" : `?${selectedQuery}`}`,
    headers,
    domainName,
    port: custom?.port ?? (origin.usesHttps ? origin.httpsPort : origin.httpPort),
    readTimeoutMs:
      update?.timeouts?.readTimeout === undefined ? origin.readTimeoutMs : update.timeouts.readTimeout * 1_000,
  };
}

function selectQuery({ cachePolicy, originRequestPolicy }: Behavior, query: string): string {
  const policies = [cachePolicy, originRequestPolicy];
  if (query === "" || policies.some((policy) => policy?.queries.mode === "all")) return query;
  const kept = query
    .split("&")
    .filter((pair) => policies.some((policy) => selects(policy?.queries, pair.split("=", 1)[0] ?? "")));
  return kept.join("&");
}

/** What describes the body or asks for a part goes with it whatever the policies say. */
const ALWAYS = [
  "content-type",
  "content-encoding",
  "content-length",
  "range",
  "if-range",
  "if-none-match",
  "if-modified-since",
];

function selectHeaders(behavior: Behavior, viewer: Viewer, request: EdgeRequest): Record<string, string | string[]> {
  const { cachePolicy, originRequestPolicy } = behavior;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(writeHeaders(request.headers))) {
    if (name.startsWith("cloudfront-") || name === "cookie") continue;
    if (!ALWAYS.includes(name) && !selects(cachePolicy.headers, name) && !selects(originRequestPolicy?.headers, name)) {
      continue;
    }
    headers[name] = value;
  }
  for (const name of ["transfer-encoding", "via", "x-forwarded-for"]) delete headers[name];
  if (cachePolicy.encodings.length > 0) {
    const accepted = String(viewer.headers["accept-encoding"] ?? "");
    const encodings = cachePolicy.encodings.filter((encoding) => new RegExp(`\\b${encoding}\\b`).test(accepted));
    if (encodings.length > 0) headers["accept-encoding"] = encodings.join(",");
    else delete headers["accept-encoding"];
  }
  const cookies = Object.fromEntries(
    Object.entries(request.cookies).filter(
      ([name]) => selects(cachePolicy.cookies, name) || selects(originRequestPolicy?.cookies, name),
    ),
  );
  const cookie = writeCookies(cookies);
  if (cookie !== undefined) headers.cookie = cookie;
  return headers;
}

/** Headers of which a laptop knows the value; the others (country, device ...) stay away. */
function madeHeader(name: string, viewer: Viewer): string | undefined {
  if (name === "cloudfront-viewer-address") return `${viewer.address}:${viewer.port}`;
  if (name === "cloudfront-forwarded-proto") return "http";
  if (name === "cloudfront-viewer-http-version") return "1.1";
  return undefined;
}
