/** JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one request or one notification a message, no batches. */
import * as v from "valibot";
import { AtelierError, ERRORS, type ErrorData, errorName } from "./errors.ts";

/** Messages on a socket are at most this many bytes of UTF-8, both ways (API Gateway cuts frames at 32 KiB). */
export const MAX_SOCKET_MESSAGE_BYTES = 30_000;

export const RequestId = v.union([v.string(), v.number()]);
export type RequestId = v.InferOutput<typeof RequestId>;

/** A call (`id` present) or a notification (`id` absent). */
export const Request = v.object({
  jsonrpc: v.literal("2.0"),
  id: v.optional(RequestId),
  method: v.string(),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
});
export type Request = v.InferOutput<typeof Request>;

export interface ErrorBody {
  code: number;
  message: string;
  data: ErrorData;
}

export type Response =
  | { jsonrpc: "2.0"; id: RequestId | null; result: unknown }
  | { jsonrpc: "2.0"; id: RequestId | null; error: ErrorBody };

export function success(id: RequestId | null, result: unknown): Response {
  return { jsonrpc: "2.0", id, result };
}

/** Puts an error on the wire. `message` of anything but an `AtelierError` never leaves the server. */
export function failure(id: RequestId | null, error: AtelierError): Response {
  const data: ErrorData = { name: error.kind, retry: error.retry };
  if (error.path !== undefined) data.path = error.path;
  return { jsonrpc: "2.0", id, error: { code: ERRORS[error.kind].code, message: error.message, data } };
}

/** Takes an error off the wire. */
export function errorOf(body: ErrorBody): AtelierError {
  const kind = body.data?.name in ERRORS ? body.data.name : errorName(body.code);
  return new AtelierError(kind, body.message, body.data?.path === undefined ? {} : { path: body.data.path });
}
