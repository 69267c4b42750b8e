/** A distribution as a server: one viewer's request or upgrade at a time. Nothing is buffered on the way. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ServiceContext } from "#local/service.ts";
import { deliverResponse } from "./deliver-response.ts";
import { type EdgeResponse, writeHeaders, writeSetCookies } from "./edge-event.ts";
import { EdgeFunctionError } from "./edge-function.ts";
import { sendError, ViewerError } from "./error-page.ts";
import { planRequest } from "./plan-request.ts";
import { type Reach, reachOrigin, upgradeAtOrigin } from "./reach-origin.ts";
import { type Behavior, type Distribution, findBehavior } from "./read-distribution.ts";

/** CloudFront ends a WebSocket after ten minutes without a byte. */
const IDLE_SOCKET_MS = 10 * 60_000;

export interface DistributionServer {
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  /** @param socket the viewer's, no longer Node's HTTP server's */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export function serveDistribution(
  distribution: Distribution,
  reach: Reach,
  context: Pick<ServiceContext, "random" | "log">,
): DistributionServer {
  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    upgrade?: Duplex,
    head?: Buffer,
  ): Promise<void> {
    const gone = new AbortController();
    (upgrade ?? response).on("close", () => gone.abort());
    const requestId = context.random.bytes(32).toString("base64url");
    try {
      const behavior = behaviorFor(distribution, request);
      const plan = planRequest(distribution, behavior, viewerOf(request), requestId);
      if ("answer" in plan) {
        sendAnswer(request, response, plan.answer, requestId);
        return;
      }
      if (upgrade) {
        const upgraded = await upgradeAtOrigin(reach, plan.forward, gone.signal);
        if ("socket" in upgraded) {
          response.detachSocket(upgrade as Socket);
          joinSockets(upgraded.head, upgrade, head ?? Buffer.alloc(0), upgraded.socket, upgraded.first);
          return;
        }
        const { response: refusal } = upgraded;
        await deliverResponse(distribution, behavior, request, refusal, response, refusal.statusCode ?? 502, requestId);
        return;
      }
      const origin = await reachOrigin(reach, plan.forward, hasBody(request) ? request : undefined, gone.signal);
      if (await deliverErrorPage(request, response, origin.statusCode ?? 502, requestId, gone.signal)) {
        origin.resume();
        return;
      }
      await deliverResponse(distribution, behavior, request, origin, response, origin.statusCode ?? 502, requestId);
    } catch (error) {
      await answerFailure(request, response, error, requestId, gone.signal);
    }
  }

  async function answerFailure(
    request: IncomingMessage,
    response: ServerResponse,
    error: unknown,
    requestId: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    if (error instanceof EdgeFunctionError) {
      context.log.error(`the viewer-request function failed: ${error.message}`, { distribution: distribution.id });
      const status = error.kind === "execution" ? 503 : 502;
      sendError(request, response, status, "The function at the edge failed. The log says why.");
      return;
    }
    if (!(error instanceof ViewerError)) {
      context.log.error("a request failed inside the distribution", { error: String(error) });
    }
    const status = error instanceof ViewerError ? error.status : 502;
    const sentence = error instanceof ViewerError ? error.message : "Something failed on the way to the origin.";
    const delivered = await deliverErrorPage(request, response, status, requestId, signal).catch(() => false);
    if (!delivered) sendError(request, response, status, sentence);
  }

  /** @returns whether the distribution has a page of its own for this status, and it was sent */
  async function deliverErrorPage(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    requestId: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const page = distribution.errorPages.get(status);
    if (!page || response.headersSent) return false;
    const { viewerRequest: _none, ...found } = findBehavior(distribution, page.pagePath);
    const behavior: Behavior = { ...found, viewerRequest: undefined };
    const viewer = { ...viewerOf(request), method: "GET", url: page.pagePath };
    const plan = planRequest(distribution, behavior, viewer, requestId);
    if (!("forward" in plan)) return false;
    for (const name of ["content-length", "content-type", "range", "if-none-match", "if-modified-since"]) {
      delete plan.forward.headers[name];
    }
    const origin = await reachOrigin(reach, plan.forward, undefined, signal);
    if (origin.statusCode !== 200) {
      origin.resume();
      return false;
    }
    await deliverResponse(distribution, behavior, request, origin, response, page.responseCode, requestId);
    return true;
  }

  const run = (work: Promise<void>): void => {
    work.catch((error) => context.log.error("a request failed inside the distribution", { error: String(error) }));
  };
  return {
    handleRequest: (request, response) => run(answer(request, response)),
    handleUpgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Socket);
      response.on("finish", () => socket.end());
      // Anything but a WebSocket is a plain request to CloudFront: it never forwards other upgrades.
      const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
      run(answer(request, response, isWebSocket ? socket : undefined, head));
    },
  };
}

function behaviorFor(distribution: Distribution, request: IncomingMessage): Behavior {
  const behavior = findBehavior(distribution, (request.url ?? "/").split("?", 1)[0] ?? "/");
  const method = request.method ?? "GET";
  if (!behavior.allowedMethods.includes(method)) {
    throw new ViewerError(403, `This address does not take ${method} requests.`);
  }
  if ((method === "GET" || method === "HEAD") && hasBody(request)) {
    throw new ViewerError(403, `A ${method} request cannot have a body.`);
  }
  return behavior;
}

function viewerOf(request: IncomingMessage) {
  const address = (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, "");
  return {
    method: request.method ?? "GET",
    url: request.url ?? "/",
    headers: request.headers,
    address,
    port: request.socket.remotePort ?? 0,
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: EdgeResponse, requestId: string): void {
  const { body } = answer;
  const bytes =
    body === undefined || typeof body === "string"
      ? Buffer.from(body ?? "")
      : Buffer.from(body.data, body.encoding === "base64" ? "base64" : "utf8");
  const cookies = writeSetCookies(answer.cookies ?? {});
  request.resume();
  response.writeHead(answer.statusCode, answer.statusDescription, {
    ...writeHeaders(answer.headers ?? {}),
    ...(cookies.length > 0 ? { "set-cookie": cookies } : {}),
    "content-length": bytes.length,
    "x-cache": "FunctionGeneratedResponse from cloudfront",
    "x-amz-cf-id": requestId,
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

function joinSockets(answer: IncomingMessage, viewer: Duplex, first: Buffer, origin: Duplex, second: Buffer): void {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
  viewer.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (second.length > 0) viewer.write(second);
  if (first.length > 0) origin.write(first);
  for (const [from, to] of [
    [viewer, origin],
    [origin, viewer],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    (from as Socket).setTimeout?.(IDLE_SOCKET_MS, () => from.destroy());
    (from as Socket).setNoDelay?.(true);
    from.pipe(to);
  }
}
