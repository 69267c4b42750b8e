/** One HTTP request to an origin: streams up, gives the response's head. Connections are kept alive and used again. */
import { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { ViewerError } from "./error-page.ts";
import type { OriginAddress } from "./origin-directory.ts";
import type { OriginRequest } from "./plan-request.ts";

export interface Reach {
  readonly agent: Agent;
  /** @returns `undefined` for a name that does not resolve */
  resolve(domainName: string, port: number): OriginAddress | undefined;
}

function optionsFor(reach: Reach, planned: OriginRequest): RequestOptions {
  const address = reach.resolve(planned.domainName, planned.port);
  if (!address) throw new ViewerError(502, "The origin's name does not resolve: what should answer here is gone.");
  return { ...address, method: planned.method, path: planned.path, headers: planned.headers, setHost: false };
}

/**
 * @param body what the viewer sends, `undefined` when it sends nothing
 * @param signal ends the request when the viewer goes away
 * @throws ViewerError 502 when there is nobody, 504 when nobody answers in time
 */
export function reachOrigin(
  reach: Reach,
  planned: OriginRequest,
  body: Readable | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = optionsFor(reach, planned);
  const attempt = (again: boolean): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ ...options, agent: reach.agent, signal, timeout: planned.readTimeoutMs });
      let late = false;
      outgoing.on("timeout", () => {
        late = true;
        outgoing.destroy(new Error("the origin is silent"));
      });
      outgoing.on("response", resolve);
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        // A kept connection that the origin closed at this moment says nothing about the origin.
        if (again && body === undefined && outgoing.reusedSocket && error.code === "ECONNRESET") {
          attempt(false).then(resolve, reject);
          return;
        }
        reject(late ? new ViewerError(504, "The origin took too long to answer.") : failure(error));
      });
      send(outgoing, body);
    });
  return attempt(true);
}

function send(outgoing: ClientRequest, body: Readable | undefined): void {
  if (body === undefined) {
    outgoing.end();
    return;
  }
  body.pipe(outgoing);
  body.on("error", () => outgoing.destroy());
}

function failure(error: NodeJS.ErrnoException): ViewerError {
  if (error.code === "ETIMEDOUT")
    return new ViewerError(504, "The origin cannot be reached: connecting took too long.");
  if (error.code === "ECONNREFUSED" || error.code === "ENOENT") {
    return new ViewerError(502, "The origin refused the connection: what should answer here does not run.");
  }
  return new ViewerError(502, "The origin closed the connection before it answered.");
}

/** An origin's answer to an upgrade: a socket, or a plain response that refuses it. */
export type Upgraded =
  | { readonly response: IncomingMessage }
  | { readonly head: IncomingMessage; readonly socket: Duplex; readonly first: Buffer };

/** @throws ViewerError as `reachOrigin` */
export function upgradeAtOrigin(reach: Reach, planned: OriginRequest, signal: AbortSignal): Promise<Upgraded> {
  const options = optionsFor(reach, planned);
  return new Promise((resolve, reject) => {
    const headers = { ...planned.headers, connection: "Upgrade", upgrade: "websocket" };
    const outgoing = request({ ...options, headers, agent: false, signal });
    outgoing.setTimeout(planned.readTimeoutMs, () => {
      reject(new ViewerError(504, "The origin took too long to answer."));
      outgoing.destroy();
    });
    outgoing.on("response", (response) => resolve({ response }));
    outgoing.on("upgrade", (head, socket, first) => {
      socket.setTimeout(0);
      resolve({ head, socket, first });
    });
    outgoing.on("error", (error) => reject(failure(error)));
    outgoing.end();
  });
}
