/** What a function answered, as HTTP: response format 2.0, and what is inferred from anything without a `statusCode`. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** @returns `undefined` for an answer that API Gateway calls malformed (500) */
export function readHttpResponse(payload: unknown): HttpAnswer | undefined {
  if (!isRecord(payload) || payload.statusCode === undefined) {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload ?? null);
    return { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(body) };
  }
  const status = Number(payload.statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return undefined;
  const { body, cookies } = payload;
  if (body !== undefined && body !== null && typeof body !== "string") return undefined;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(isRecord(payload.headers) ? payload.headers : {})) {
    if (isRecord(value)) return undefined;
    headers[name.toLowerCase()] = String(value);
  }
  delete headers["content-length"];
  delete headers["transfer-encoding"];
  if (Array.isArray(cookies) && cookies.length > 0) {
    headers["set-cookie"] = [headers["set-cookie"] ?? [], cookies.map(String)].flat();
  }
  const bytes = Buffer.from(body ?? "", payload.isBase64Encoded === true ? "base64" : "utf8");
  if (bytes.length > 0) headers["content-type"] ??= "text/plain;charset=utf-8";
  return { status, headers, body: bytes };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
