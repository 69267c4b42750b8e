/** The event structure of CloudFront Functions, and the way from and to plain HTTP. */
import type { IncomingHttpHeaders } from "node:http";

export interface EdgeValue {
  value: string;
  multiValue?: { value: string }[];
}
export interface EdgeCookie extends EdgeValue {
  attributes?: string;
}

export interface EdgeRequest {
  method: string;
  /** Path as sent, still encoded, without the query. */
  uri: string;
  /** Names as sent, values still encoded. */
  querystring: Record<string, EdgeValue>;
  headers: Record<string, EdgeValue>;
  cookies: Record<string, EdgeCookie>;
}

export interface EdgeResponse {
  statusCode: number;
  statusDescription?: string;
  headers?: Record<string, EdgeValue>;
  cookies?: Record<string, EdgeCookie>;
  body?: string | { encoding: "text" | "base64"; data: string };
}

export interface EdgeEvent {
  version: "1.0";
  context: { distributionDomainName: string; distributionId: string; eventType: "viewer-request"; requestId: string };
  viewer: { ip: string };
  request: EdgeRequest & { __rawQueryString?: string };
}

/** Names come from whoever asks: `__proto__` and `constructor` must be names like any other, not what every object inherits. */
function bag(): Record<string, EdgeValue> {
  return Object.create(null) as Record<string, EdgeValue>;
}

function add(target: Record<string, EdgeValue>, name: string, value: string): void {
  const present = target[name];
  if (!present) {
    target[name] = { value };
    return;
  }
  present.multiValue ??= [{ value: present.value }];
  present.multiValue.push({ value });
}

/** @param query without the question mark */
export function readQuery(query: string): Record<string, EdgeValue> {
  const values = bag();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    add(values, at < 0 ? pair : pair.slice(0, at), at < 0 ? "" : pair.slice(at + 1));
  }
  return values;
}

/** @param header the `Cookie` header; a nameless or empty part is dropped, as CloudFront does */
export function readCookies(header: string | undefined): Record<string, EdgeCookie> {
  const values: Record<string, EdgeCookie> = bag();
  for (const part of (header ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at < 1) continue;
    const name = part.slice(0, at).trim();
    if (name !== "") add(values, name, part.slice(at + 1).trim());
  }
  return values;
}

export function readHeaders(
  headers: IncomingHttpHeaders,
  visible: (name: string) => boolean,
): Record<string, EdgeValue> {
  const values = bag();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || !visible(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) add(values, name, one);
  }
  return values;
}

function* pairs(values: Record<string, EdgeValue>): Generator<[string, string]> {
  for (const [name, { value, multiValue }] of Object.entries(values)) {
    if (multiValue) for (const one of multiValue) yield [name, one.value];
    else yield [name, value];
  }
}

export function writeQuery(values: Record<string, EdgeValue>): string {
  return [...pairs(values)].map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join("&");
}

/** @returns the `Cookie` header, or `undefined` when there is no cookie left */
export function writeCookies(values: Record<string, EdgeCookie>): string | undefined {
  const text = [...pairs(values)].map(([name, value]) => `${name}=${value}`).join("; ");
  return text === "" ? undefined : text;
}

export function writeHeaders(values: Record<string, EdgeValue>): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, { value, multiValue }] of Object.entries(values)) {
    headers[name.toLowerCase()] = multiValue ? multiValue.map((one) => one.value) : value;
  }
  return headers;
}

/** @returns the `Set-Cookie` headers of a response that a function made */
export function writeSetCookies(values: Record<string, EdgeCookie>): string[] {
  const lines: string[] = [];
  for (const [name, cookie] of Object.entries(values)) {
    const all: EdgeCookie[] = (cookie.multiValue as EdgeCookie[] | undefined) ?? [cookie];
    for (const one of all) lines.push(`${name}=${one.value}${one.attributes ? `; ${one.attributes}` : ""}`);
  }
  return lines;
}
