/** S3's REST-XML API as the SDK's client speaks it, path style (`/bucket/key`) or virtual-hosted (`bucket.s3...`). */
import { buffer } from "node:stream/consumers";
import { XMLParser } from "fast-xml-parser";
import { ApiError, toApiError } from "#local/endpoint/api-error.ts";
import { s3Error, xmlAnswer } from "#local/endpoint/rest-xml.ts";
import type { ApiRequest, ApiResponse } from "#local/service.ts";
import type { Bucket } from "./bucket-store.ts";
import { checkChecksums } from "./check-checksum.ts";
import { decodeAwsChunked } from "./decode-aws-chunked.ts";
import { readObject } from "./serve-objects.ts";

const KEPT = [
  "content-type",
  "cache-control",
  "content-encoding",
  "content-disposition",
  "content-language",
  "expires",
];
const MAX_KEY_BYTES = 1_024;

/** @returns bucket name and key (decoded, empty for the bucket itself) */
export function readTarget(request: Pick<ApiRequest, "path" | "headers">): { bucket: string; key: string } {
  const host = /^([a-z0-9.-]+)\.(?:s3[.-]|localhost)/.exec(request.headers.host ?? "")?.[1];
  const path = request.path.slice(1);
  if (host) return { bucket: host, key: decodeURIComponent(path) };
  const slash = path.indexOf("/");
  if (slash < 0) return { bucket: decodeURIComponent(path), key: "" };
  return { bucket: decodeURIComponent(path.slice(0, slash)), key: decodeURIComponent(path.slice(slash + 1)) };
}

type Operation =
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "DeleteObjects"
  | "ListObjectsV2"
  | "HeadBucket";

export function operationOf(request: ApiRequest): Operation | undefined {
  const { key } = readTarget(request);
  const { method, query } = request;
  if (query.has("uploads") || query.has("uploadId") || request.headers["x-amz-copy-source"] !== undefined)
    return undefined;
  if (key === "") {
    if (method === "GET" && query.get("list-type") === "2") return "ListObjectsV2";
    if (method === "POST" && query.has("delete")) return "DeleteObjects";
    return method === "HEAD" ? "HeadBucket" : undefined;
  }
  const names: Record<string, Operation> = {
    PUT: "PutObject",
    GET: "GetObject",
    HEAD: "HeadObject",
    DELETE: "DeleteObject",
  };
  return names[method];
}

export async function handleS3Api(
  request: ApiRequest,
  find: (name: string) => Bucket | undefined,
  now: number,
): Promise<ApiResponse> {
  try {
    const operation = operationOf(request);
    const { bucket: name, key } = readTarget(request);
    if (!operation) throw new ApiError("NotImplemented", `s3: ${request.method} ${request.path} is not modelled.`, 501);
    const bucket = find(name);
    if (!bucket) throw new ApiError("NoSuchBucket", `The specified bucket does not exist: ${name}.`, 404);
    switch (operation) {
      case "HeadBucket":
        return { status: 200, headers: {}, body: "" };
      case "PutObject":
        return await putObject(request, bucket, key, now);
      case "GetObject":
      case "HeadObject":
        return await getObject(request, bucket, key);
      case "DeleteObject":
        await bucket.delete(key);
        return { status: 204, headers: {}, body: "" };
      case "DeleteObjects":
        return await deleteObjects(request, bucket);
      case "ListObjectsV2":
        return listObjects(request, bucket);
    }
  } catch (error) {
    const answer = s3Error(toApiError(error));
    return request.method === "HEAD" ? { ...answer, body: "" } : answer;
  }
}

async function putObject(request: ApiRequest, bucket: Bucket, key: string, now: number): Promise<ApiResponse> {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new ApiError("KeyTooLongError", "Your key is too long.");
  const { headers } = request;
  const encodings = (headers["content-encoding"] ?? "").split(",").map((name) => name.trim());
  const isChunked = encodings.includes("aws-chunked") || headers["x-amz-content-sha256"]?.startsWith("STREAMING-");
  const { bytes, trailers } = isChunked ? decodeAwsChunked(request.body) : { bytes: request.body, trailers: {} };
  checkChecksums(bytes, { ...headers, ...trailers });
  const present = bucket.head(key);
  if (headers["if-none-match"] === "*" && present) {
    throw new ApiError("PreconditionFailed", "At least one of the preconditions you specified did not hold.", 412);
  }
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (KEPT.includes(name) || name.startsWith("x-amz-meta-")) kept[name] = value;
  }
  const encoding = encodings.filter((name) => name !== "" && name !== "aws-chunked").join(", ");
  delete kept["content-encoding"];
  if (encoding !== "") kept["content-encoding"] = encoding;
  const object = await bucket.put(key, bytes, kept, now);
  return { status: 200, headers: { etag: object.etag }, body: "" };
}

async function getObject(request: ApiRequest, bucket: Bucket, key: string): Promise<ApiResponse> {
  const answer = readObject(bucket, key, request.method, request.headers);
  if (!answer) throw new ApiError("NoSuchKey", `The specified key does not exist: ${key}.`, 404);
  return { status: answer.status, headers: answer.headers, body: answer.body ? await buffer(answer.body) : "" };
}

async function deleteObjects(request: ApiRequest, bucket: Bucket): Promise<ApiResponse> {
  const isChunked = request.headers["x-amz-content-sha256"]?.startsWith("STREAMING-");
  const body = isChunked ? decodeAwsChunked(request.body).bytes : request.body;
  const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === "Object" });
  const parsed = parser.parse(body) as { Delete?: { Object?: { Key: string }[]; Quiet?: string } };
  const keys = (parsed.Delete?.Object ?? []).map((object) => object.Key);
  if (keys.length === 0 || keys.length > 1_000) throw new ApiError("MalformedXML", "Delete takes 1 to 1000 objects.");
  for (const key of keys) await bucket.delete(key);
  const deleted = parsed.Delete?.Quiet === "true" ? [] : keys.map((Key) => ({ Key }));
  return xmlAnswer("DeleteResult", { Deleted: deleted });
}

function listObjects(request: ApiRequest, bucket: Bucket): ApiResponse {
  const { query } = request;
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const token = query.get("continuation-token");
  const after = token ? Buffer.from(token, "base64url").toString() : (query.get("start-after") ?? "");
  const limit = Math.min(Number(query.get("max-keys") ?? 1_000), 1_000);
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (text: string) => text;
  const rows: { key: string; isPrefix: boolean }[] = [];
  let last = "";
  let truncated = false;
  for (const key of bucket.keys()) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const shown = cut < 0 ? key : key.slice(0, cut + delimiter.length);
    if (Buffer.compare(Buffer.from(shown), Buffer.from(after)) <= 0 || rows.at(-1)?.key === shown) continue;
    if (rows.length === limit) {
      truncated = true;
      break;
    }
    rows.push({ key: shown, isPrefix: cut >= 0 });
    last = shown;
  }
  return xmlAnswer("ListBucketResult", {
    "@xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
    Name: bucket.name,
    Prefix: encode(prefix),
    KeyCount: rows.length,
    MaxKeys: limit,
    IsTruncated: truncated,
    NextContinuationToken: truncated ? Buffer.from(last).toString("base64url") : undefined,
    Contents: rows
      .filter((row) => !row.isPrefix)
      .map(({ key }) => {
        const object = bucket.head(key);
        const modified = new Date(object?.modifiedAt ?? 0).toISOString();
        return {
          Key: encode(key),
          LastModified: modified,
          ETag: object?.etag,
          Size: object?.size,
          StorageClass: "STANDARD",
        };
      }),
    CommonPrefixes: rows.filter((row) => row.isPrefix).map(({ key }) => ({ Prefix: encode(key) })),
  });
}
