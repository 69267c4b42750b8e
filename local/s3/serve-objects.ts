/** GetObject and HeadObject as a browser's way: conditional requests, ranges, the stored headers. */
import type { Readable } from "node:stream";
import type { Bucket, StoredObject } from "./bucket-store.ts";

export interface ObjectAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Absent for 304, 412, 416 and HEAD. */
  readonly body?: Readable;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** @returns `undefined` when there is no such key */
export function readObject(bucket: Bucket, key: string, method: string, request: Headers): ObjectAnswer | undefined {
  const object = bucket.head(key);
  if (!object) return undefined;
  const headers: Record<string, string> = {
    "content-type": "binary/octet-stream",
    ...object.headers,
    etag: object.etag,
    "last-modified": new Date(object.modifiedAt).toUTCString(),
    "accept-ranges": "bytes",
  };
  const refused = checkConditions(object, request);
  if (refused !== undefined) return { status: refused, headers };
  const range = readRange(request.range, object.size);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { "content-range": `bytes */${object.size}`, "content-length": "0" } };
  }
  const length = range ? range.end - range.start + 1 : object.size;
  headers["content-length"] = String(length);
  if (range) headers["content-range"] = `bytes ${range.start}-${range.end}/${object.size}`;
  const status = range ? 206 : 200;
  return method === "HEAD" ? { status, headers } : { status, headers, body: bucket.read(key, range) };
}

function checkConditions(object: StoredObject, request: Headers): 304 | 412 | undefined {
  const bare = (etag: string) => etag.trim().replace(/^W\//, "");
  const lists = (header: unknown) => {
    const tags = String(header).split(",").map(bare);
    return tags.includes("*") || tags.includes(object.etag);
  };
  const seconds = Math.floor(object.modifiedAt / 1_000) * 1_000;
  if (request["if-match"] !== undefined && !lists(request["if-match"])) return 412;
  if (request["if-none-match"] !== undefined) return lists(request["if-none-match"]) ? 304 : undefined;
  const since = Date.parse(String(request["if-modified-since"] ?? ""));
  return since >= seconds ? 304 : undefined;
}

/** One range; several are answered with the whole object, as S3 does not. */
function readRange(header: unknown, size: number): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(String(header ?? ""));
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const suffix = match[1] === "";
  const start = suffix ? Math.max(size - Number(match[2]), 0) : Number(match[1]);
  const end = suffix || match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end || start >= size ? "unsatisfiable" : { start, end };
}
