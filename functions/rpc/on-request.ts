/** POST /rpc: one JSON-RPC request by a person's cookie, an instance's bearer, or nobody (`instance.hello`). */
import { authenticateInstance } from "#functions/instances/authenticate-instance.ts";
import type { HttpAnswer, HttpEvent } from "#functions/runtime/aws-events.ts";
import { onHttp, translate } from "#functions/runtime/middleware.ts";
import { AtelierError } from "#protocol/errors.ts";
import { failure, type Request, type Response } from "#protocol/json-rpc.ts";
import { authenticate } from "./authenticate.ts";
import { HANDLERS_ENVIRONMENT, handlers } from "./handlers.ts";
import { createRouter, parseRequest } from "./router.ts";

const MAX_BODY_BYTES = 1_000_000;

const route = createRouter(handlers);

export const handler = onHttp(
  { env: HANDLERS_ENVIRONMENT, onError: (error) => answer(failure(null, error)) },
  onRequest,
);

async function onRequest(event: HttpEvent): Promise<HttpAnswer> {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (body.length > MAX_BODY_BYTES) {
    throw new AtelierError("MESSAGE_TOO_LARGE", "A request is at most 1 MB.");
  }
  const request = parseRequest(body.toString("utf8"));
  const response = await respond(request, event);
  return request.id === undefined ? { statusCode: 204 } : answer(response);
}

async function respond(request: Request, event: HttpEvent): Promise<Response> {
  try {
    return await route(request, await authenticate(event, authenticateInstance));
  } catch (error) {
    return failure(request.id ?? null, translate(error, "caller"));
  }
}

/** JSON-RPC carries its errors itself; HTTP's numbers only say what proxies and `curl` should know. */
function answer(response: Response): HttpAnswer {
  const error = "error" in response ? response.error.data.name : undefined;
  const unreadable = error === "PARSE_ERROR" || error === "INVALID_REQUEST";
  return {
    statusCode: error === "UNAUTHENTICATED" ? 401 : unreadable ? 400 : 200,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(response),
  };
}
