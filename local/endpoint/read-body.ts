import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";

/** The whole body. @throws ApiError 413 when it is longer than `maxBytes` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new ApiError("RequestEntityTooLarge", `The body is longer than ${maxBytes} bytes`, 413);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return isChunkSigned(request) ? decodeChunkSigned(body) : body;
}

/** S3's clients send streams as `aws-chunked`: `<hex size>[;chunk-signature=...]\r\n<bytes>\r\n ... 0\r\n<trailers>`. */
function isChunkSigned(request: IncomingMessage): boolean {
  return String(request.headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
}

export function decodeChunkSigned(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const end = body.indexOf("\r\n", position);
    const size = end < 0 ? Number.NaN : Number.parseInt(body.toString("latin1", position, end), 16);
    if (Number.isNaN(size)) throw new ApiError("InvalidChunkSizeError", "The aws-chunked body is malformed");
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(body.subarray(end + 2, end + 2 + size));
    position = end + 2 + size + 2;
  }
}
