/** The `aws-chunked` content encoding: chunks of their own inside the body, with signatures and trailers. */
import { ApiError } from "#local/endpoint/api-error.ts";

/**
 * `<hex size>[;chunk-signature=...]\r\n<bytes>\r\n ... 0\r\n[<trailer>: <value>\r\n]*\r\n`
 * @returns the bytes themselves, and the trailers by lower-case name
 * @throws ApiError `IncompleteBody`
 */
export function decodeAwsChunked(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = body.indexOf("\r\n", at);
    if (end < 0) throw new ApiError("IncompleteBody", "The aws-chunked body ends before its last chunk.");
    const text = body.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const header = line();
    const size = /^([0-9a-fA-F]{1,8})(;.*)?$/.exec(header)?.[1];
    if (size === undefined) throw new ApiError("IncompleteBody", "The aws-chunked body has no size where one belongs.");
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    if (at + length + 2 > body.length) {
      throw new ApiError("IncompleteBody", "The aws-chunked body ends before its last chunk.");
    }
    chunks.push(body.subarray(at, at + length));
    at += length;
    if (line() !== "") throw new ApiError("IncompleteBody", "A chunk of the aws-chunked body is longer than it says.");
  }
  const trailers: Record<string, string> = {};
  while (at < body.length) {
    const text = line();
    if (text === "") break;
    const colon = text.indexOf(":");
    if (colon > 0) trailers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim();
  }
  return { bytes: Buffer.concat(chunks), trailers };
}
