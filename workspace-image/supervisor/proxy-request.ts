/** Hands a request that was let in to the IDE or to a port, and streams the answer back. */
import http, { type IncomingMessage, type RequestOptions, type ServerResponse } from "node:http";
import type { LookupFunction } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import { answerPage, type Page } from "./honest-pages.ts";
import { forwardRequestHeaders, forwardResponseHeaders } from "./proxy-headers.ts";

export interface Target {
  readonly options: RequestOptions;
  /** What to say when it does not answer. */
  readonly absent: Page;
  /** Changes a whole HTML page on its way. */
  readonly rewrite?: ((page: string) => string) | undefined;
}

const MAX_REWRITTEN_BYTES = 2_000_000;

/** Servers of a framework listen on 127.0.0.1 or ::1, as the machine resolves `localhost`. */
const loopback: LookupFunction = (_host, options, callback) => {
  if (!options.all) return callback(null, "127.0.0.1", 4);
  callback(null, [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ]);
};

export function portTarget(port: number): Target {
  return {
    options: { host: "localhost", port, lookup: loopback, agent: false },
    absent: {
      // Not 502 or 504: those the edge takes for a task that is gone, and replaces their pages with one that enters anew, for ever.
      status: 503,
      title: `Nothing listens on port ${port} yet`,
      text: "Start the program that should, and make it listen on this port. This page looks again by itself.",
      retryAfter: 3,
    },
  };
}

export function proxyRequest(request: IncomingMessage, response: ServerResponse, target: Target): void {
  const headers = forwardRequestHeaders(request.headers);
  if (target.rewrite) headers["accept-encoding"] = "identity";
  if (request.headers["transfer-encoding"]) headers["transfer-encoding"] = "chunked";
  const { method = "GET", url = "/" } = request;
  const isRepeatable = (method === "GET" || method === "HEAD") && !hasBody(request);
  const outgoing = http.request({ ...target.options, method, path: url, headers, setHost: false });

  outgoing.on("response", (incoming) => {
    if (target.rewrite && /^text\/html\b/.test(incoming.headers["content-type"] ?? "")) {
      void rewritePage(incoming, response, target.rewrite);
      return;
    }
    if (!writeHead(response, incoming)) {
      incoming.destroy();
      answerPage(response, NONSENSE);
      return;
    }
    pipeline(incoming, response, () => undefined);
  });
  // Somebody says 101 to what asked for no upgrade.
  outgoing.on("upgrade", (_incoming, socket: Duplex) => {
    socket.destroy();
    if (!response.destroyed) answerPage(response, NONSENSE);
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    // An idle connection that the other side closed at the same moment; nothing was sent on it that has an effect.
    if (isRepeatable && outgoing.reusedSocket && error.code === "ECONNRESET" && !response.headersSent) {
      proxyRequest(request, response, { ...target, options: { ...target.options, agent: false } });
      return;
    }
    if (!response.destroyed) answerPage(response, target.absent);
  });
  response.on("close", () => outgoing.destroy());
  if (isRepeatable) outgoing.end();
  else pipeline(request, outgoing, () => undefined);
}

/** A request whose announced body is not sent on would make the next one on the same connection part of it. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** @returns false for a head that HTTP does not know (status 99): user code says what it likes. */
function writeHead(
  response: ServerResponse,
  incoming: IncomingMessage,
  headers = forwardResponseHeaders(incoming),
): boolean {
  try {
    // Without its reason: that is free text, which nobody reads, and may hold what Node refuses to send.
    response.writeHead(incoming.statusCode ?? 502, headers);
    return true;
  } catch {
    return false;
  }
}

const NONSENSE: Page = {
  status: 500,
  title: "This is no HTTP",
  text: "The program behind this address answers with a status or header that HTTP does not know. Look into its code.",
};

async function rewritePage(
  incoming: IncomingMessage,
  response: ServerResponse,
  rewrite: (page: string) => string,
): Promise<void> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of incoming) {
      size += (part as Buffer).length;
      if (size > MAX_REWRITTEN_BYTES) throw new Error("The page is too long.");
      parts.push(part as Buffer);
    }
  } catch {
    response.destroy();
    return;
  }
  const body = Buffer.from(rewrite(Buffer.concat(parts).toString("utf8")));
  const headers = forwardResponseHeaders(incoming);
  delete headers.etag;
  headers["content-length"] = response.req.method === "HEAD" ? incoming.headers["content-length"] : body.length;
  if (!writeHead(response, incoming, headers)) return answerPage(response, NONSENSE);
  response.end(response.req.method === "HEAD" ? undefined : body);
}
