/** The events of a WebSocket API: CONNECT, MESSAGE and DISCONNECT. */
import type { IncomingHttpHeaders } from "node:http";
import type { Api } from "./api-state.ts";
import { logTime, sourceOf, traceId } from "./http-event.ts";

/** What is known of a connection from its handshake. */
export interface Handshake {
  readonly connectionId: string;
  readonly stage: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
}

interface Moment {
  readonly now: number;
  readonly requestId: string;
  readonly extendedRequestId: string;
}

function makeContext(api: Api, handshake: Handshake, moment: Moment, routeKey: string, eventType: string) {
  return {
    routeKey,
    eventType,
    extendedRequestId: moment.extendedRequestId,
    requestTime: logTime(moment.now),
    messageDirection: "IN",
    stage: handshake.stage,
    connectedAt: handshake.connectedAt,
    requestTimeEpoch: moment.now,
    identity: {
      ...(handshake.headers["user-agent"] === undefined ? {} : { userAgent: handshake.headers["user-agent"] }),
      sourceIp: sourceIpOf(handshake),
    },
    requestId: moment.requestId,
    domainName: api.domainName,
    connectionId: handshake.connectionId,
    apiId: api.id,
  };
}

export function sourceIpOf({ headers }: Handshake): string {
  return sourceOf(headers["x-forwarded-for"] as string | undefined);
}

export function makeConnectEvent(api: Api, handshake: Handshake, moment: Moment): object {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(handshake.headers)) {
    if (value === undefined || ["connection", "upgrade", "content-length"].includes(name)) continue;
    headers[spell(name)] = String(value);
  }
  headers["X-Forwarded-For"] ??= sourceIpOf(handshake);
  headers["X-Forwarded-Port"] = "443";
  headers["X-Forwarded-Proto"] = "https";
  headers["X-Amzn-Trace-Id"] ??= traceId(moment);
  const parameters = new URLSearchParams(handshake.query);
  const names = [...new Set(parameters.keys())];
  const many = Object.fromEntries(names.map((name) => [name, parameters.getAll(name)]));
  const single = Object.fromEntries(names.map((name) => [name, parameters.getAll(name).at(-1) as string]));
  return {
    headers,
    multiValueHeaders: listed(headers),
    ...(names.length > 0 ? { queryStringParameters: single, multiValueQueryStringParameters: many } : {}),
    requestContext: makeContext(api, handshake, moment, "$connect", "CONNECT"),
    isBase64Encoded: false,
  };
}

export function makeMessageEvent(
  api: Api,
  handshake: Handshake,
  moment: Moment,
  routeKey: string,
  data: { readonly bytes: Buffer; readonly isBinary: boolean; readonly messageId: string },
): object {
  return {
    requestContext: {
      ...makeContext(api, handshake, moment, routeKey, "MESSAGE"),
      messageId: data.messageId,
    },
    body: data.bytes.toString(data.isBinary ? "base64" : "utf8"),
    isBase64Encoded: data.isBinary,
  };
}

export function makeDisconnectEvent(
  api: Api,
  handshake: Handshake,
  moment: Moment,
  code: number,
  reason: string,
): object {
  const headers = {
    Host: handshake.headers.host ?? api.domainName,
    "x-api-key": "",
    "X-Forwarded-For": "",
    "x-restapi": "",
  };
  return {
    headers,
    multiValueHeaders: listed(headers),
    requestContext: {
      ...makeContext(api, handshake, moment, "$disconnect", "DISCONNECT"),
      disconnectStatusCode: code,
      disconnectReason: reason,
    },
    isBase64Encoded: false,
  };
}

function listed(headers: Readonly<Record<string, string>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

/** `sec-websocket-key` → `Sec-WebSocket-Key`: WebSocket APIs give names as people write them. */
function spell(name: string): string {
  const words = name.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return words.join("-").replace("Websocket", "WebSocket");
}
