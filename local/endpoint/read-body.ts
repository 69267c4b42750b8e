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
  return Buffer.concat(chunks);
}
