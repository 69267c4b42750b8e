/** An HTTP API: route, invoke, answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FunctionInvoker, ServiceContext } from "#local/service.ts";
import type { Api } from "./api-state.ts";
import { type HttpRequest, makeHttpEvent } from "./http-event.ts";
import { type HttpAnswer, readHttpResponse } from "./http-response.ts";
import { invokeIntegration } from "./invoke-integration.ts";
import { matchRoute } from "./match-route.ts";

/** Not adjustable on AWS. */
export const MAX_BODY_BYTES = 10 * 1_024 * 1_024;

export async function serveHttpRequest(
  context: ServiceContext,
  invoker: FunctionInvoker,
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = "/", ...rest] = (request.url ?? "/").split("?");
  const { method = "GET", headers } = request;
  const answer = await answerHttpRequest(context, invoker, api, {
    method,
    path,
    query: rest.join("?"),
    headers,
    readBody: () => readBody(request),
  });
  // What nobody read is thrown away, so that the answer can be.
  request.resume();
  response.writeHead(answer.status, { ...answer.headers, "content-length": answer.body.length });
  response.end(method === "HEAD" ? undefined : answer.body);
}

/** A request whose body has not been read yet. `readBody` gives `undefined` for one above the limit. */
export interface IncomingRequest extends Omit<HttpRequest, "body"> {
  readBody(): Promise<Buffer | undefined>;
}

/** Answers one request, wherever it came from. */
export async function answerHttpRequest(
  context: ServiceContext,
  invoker: FunctionInvoker,
  api: Api,
  { readBody: read, ...request }: IncomingRequest,
): Promise<HttpAnswer> {
  const requestId = `${context.random.bytes(11).toString("base64url")}=`;
  const send = ({ status, headers, body: content }: HttpAnswer): HttpAnswer => ({
    status,
    headers: { ...headers, "apigw-requestid": requestId },
    body: content,
  });
  const placed = placeInStage(api, request.path);
  const match = placed && matchRoute(api.routes.values(), request.method, placed.path);
  if (!placed || !match) return send(message(404, "Not Found"));
  const body = await read();
  if (!body) return send(message(413, "Request Entity Too Large"));
  const event = makeHttpEvent(
    api,
    match,
    { ...request, body },
    { accountId: context.accountId, requestId, stage: placed.stage, now: context.clock.now() },
  );
  const result = await invokeIntegration(invoker, context.clock, match.route.integration, event);
  if (result === "late") return send(message(503, "Service Unavailable"));
  const answer = result.ok ? readHttpResponse(result.payload) : undefined;
  if (!answer) {
    const reason = result.ok ? "a malformed answer" : `${result.error.errorType}: ${result.error.errorMessage}`;
    context.log.warn(`${match.route.routeKey} answers 500: ${reason}`, {
      function: match.route.integration.functionArn,
    });
    return send(message(500, "Internal Server Error"));
  }
  return send(answer);
}

/** A stage's name begins the path, `$default` stands for none. */
function placeInStage(api: Api, path: string): { stage: string; path: string } | undefined {
  const first = path.split("/", 2)[1] ?? "";
  if (first !== "" && api.stages.has(first)) return { stage: first, path: path.slice(first.length + 1) || "/" };
  return api.stages.has("$default") ? { stage: "$default", path } : undefined;
}

function message(status: number, text: string): HttpAnswer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ message: text })),
  };
}

/** @returns `undefined` for a body above the limit; the rest of it is thrown away, so that the answer can be read */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
    else chunks.length = 0;
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}
