/** The event of an HTTP API, payload format 2.0. */
import type { IncomingHttpHeaders } from "node:http";
import type { Api } from "./api-state.ts";
import type { RouteMatch } from "./match-route.ts";

export interface HttpRequest {
  readonly method: string;
  /** Without query; with the stage, unless it is `$default`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface EventIdentity {
  readonly accountId: string;
  readonly requestId: string;
  readonly stage: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function makeHttpEvent(api: Api, match: RouteMatch, request: HttpRequest, identity: EventIdentity): object {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && name !== "cookie" && name !== "connection") headers[name] = String(value);
  }
  const forwarded = headers["x-forwarded-for"];
  const sourceIp = sourceOf(forwarded);
  headers["x-forwarded-for"] = forwarded ?? sourceIp;
  headers["x-forwarded-port"] = "443";
  headers["x-forwarded-proto"] = "https";
  headers["x-amzn-trace-id"] ??= traceId(identity);
  const cookies = (request.headers.cookie ?? "")
    .split(";")
    .map((cookie) => cookie.trim())
    .filter(Boolean);
  const parameters = readParameters(request.query);
  const { body } = request;
  const isText = body.length === 0 || isTextual(headers["content-type"]);
  const domainPrefix = api.domainName.split(".", 1)[0];
  return {
    version: "2.0",
    routeKey: match.route.routeKey,
    rawPath: request.path,
    rawQueryString: request.query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers,
    ...(parameters ? { queryStringParameters: parameters } : {}),
    ...(match.parameters ? { pathParameters: match.parameters } : {}),
    requestContext: {
      accountId: identity.accountId,
      apiId: api.id,
      domainName: api.domainName,
      domainPrefix,
      http: {
        method: request.method,
        path: request.path,
        protocol: "HTTP/1.1",
        sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: identity.requestId,
      routeKey: match.route.routeKey,
      stage: identity.stage,
      time: logTime(identity.now),
      timeEpoch: identity.now,
    },
    ...(body.length > 0 ? { body: body.toString(isText ? "utf8" : "base64") } : {}),
    isBase64Encoded: !isText,
  };
}

/** Values of one name are joined with commas, as this payload format does. @returns `undefined` for no parameters */
function readParameters(query: string): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = Object.hasOwn(parameters, name) ? `${parameters[name]},${value}` : value;
  }
  return Object.keys(parameters).length > 0 ? parameters : undefined;
}

function isTextual(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  return /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded|[\w.-]+\+(json|xml)))/i.test(contentType);
}

/** The last one is who connected to CloudFront: what stands before it is the client's own claim. */
export function sourceOf(forwardedFor: string | undefined): string {
  return forwardedFor?.split(",").at(-1)?.trim() || "127.0.0.1";
}

export function traceId({ now, requestId }: Pick<EventIdentity, "now" | "requestId">): string {
  const unique = Buffer.from(requestId).toString("hex").padEnd(24, "0").slice(0, 24);
  return `Root=1-${Math.floor(now / 1_000).toString(16)}-${unique}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `21/Nov/2026:20:04:53 +0000` */
export function logTime(now: number): string {
  const date = new Date(now);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
