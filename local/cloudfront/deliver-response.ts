/** An origin's response on its way to the viewer: hop-by-hop headers off, policy on, compressed where the behaviour says so. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliCompress, createGzip } from "node:zlib";
import type { Behavior, Distribution } from "./read-distribution.ts";
import { applyResponseHeadersPolicy } from "./response-headers-policy.ts";

const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/** CloudFront compresses only objects of these sizes, and only when their length is known. */
const COMPRESSED_BYTES = { min: 1_000, max: 10_000_000 };
const COMPRESSED_TYPES =
  /^(text\/|application\/(javascript|json|ld\+json|xml|wasm|manifest\+json|vnd\.ms-fontobject|xhtml\+xml)|image\/(svg\+xml|x-icon|bmp)|font\/|application\/x-font)/;

type Headers = Record<string, string | string[] | undefined>;

export async function deliverResponse(
  distribution: Distribution,
  behavior: Behavior,
  viewer: IncomingMessage,
  origin: IncomingMessage,
  response: ServerResponse,
  status: number,
  requestId: string,
): Promise<void> {
  const headers: Headers = { ...origin.headers };
  for (const name of HOP_BY_HOP) delete headers[name];
  headers.via = `1.1 ${distribution.domainName} (CloudFront)`;
  headers["x-cache"] = `${status >= 400 ? "Error" : "Miss"} from cloudfront`;
  headers["x-amz-cf-id"] = requestId;
  if (behavior.responseHeadersPolicy) {
    applyResponseHeadersPolicy(behavior.responseHeadersPolicy, headers, viewer.headers.origin);
  }
  const encoding = chooseEncoding(behavior, viewer, headers, status);
  if (encoding) {
    headers["content-encoding"] = encoding;
    headers.vary = [headers.vary, "Accept-Encoding"].flat().filter(Boolean).join(", ");
    delete headers["content-length"];
    delete headers["accept-ranges"];
    if (typeof headers.etag === "string" && !headers.etag.startsWith("W/")) headers.etag = `W/${headers.etag}`;
  }
  const message = status === origin.statusCode ? origin.statusMessage : undefined;
  response.writeHead(status, message, headers);
  if (viewer.method === "HEAD") {
    origin.resume();
    response.end();
    return;
  }
  // The head goes out with nothing behind it yet, so that a stream of events opens before its first event.
  response.flushHeaders();
  const chain = encoding
    ? pipeline(origin, encoding === "br" ? createBrotliCompress(BROTLI) : createGzip(), response)
    : pipeline(origin, response);
  // The viewer went away, or the origin broke off: the other side was ended by the pipeline, and the head is long out.
  await chain.catch(() => response.destroy());
}

/** The default, 11, takes seconds for what a browser waits for. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

function chooseEncoding(
  behavior: Behavior,
  viewer: IncomingMessage,
  headers: Headers,
  status: number,
): "br" | "gzip" | undefined {
  const length = Number(headers["content-length"]);
  if (!behavior.compress || ![200, 403, 404].includes(status) || headers["content-encoding"] !== undefined)
    return undefined;
  if (!(length >= COMPRESSED_BYTES.min && length <= COMPRESSED_BYTES.max)) return undefined;
  if (!COMPRESSED_TYPES.test(String(headers["content-type"] ?? ""))) return undefined;
  const accepted = String(viewer.headers["accept-encoding"] ?? "");
  return behavior.cachePolicy.encodings.find((encoding) => new RegExp(`\\b${encoding}\\b`).test(accepted));
}
