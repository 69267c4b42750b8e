/** $default: one JSON-RPC request over a socket. The answer goes down the same socket. */
import { HANDLERS_ENVIRONMENT, handlers } from "#functions/rpc/handlers.ts";
import { type Call, createRouter, parseRequest } from "#functions/rpc/router.ts";
import type { SocketMessageEvent } from "#functions/runtime/aws-events.ts";
import { onSocket, translate } from "#functions/runtime/middleware.ts";
import { postToConnection } from "#functions/runtime/sockets.ts";
import { AtelierError } from "#protocol/errors.ts";
import { failure, MAX_SOCKET_MESSAGE_BYTES, type RequestId, type Response } from "#protocol/json-rpc.ts";
import { getConnection, type Peer, removeConnection, subscribe } from "./connection-store.ts";

const route = createRouter(handlers);

export const handler = onSocket({ env: HANDLERS_ENVIRONMENT }, async (event: SocketMessageEvent) => {
  const { connectionId } = event.requestContext;
  const response = await respond(connectionId, event.body ?? "");
  if (response) {
    const reached = await postToConnection(connectionId, fitResponse(response));
    if (reached === "gone") await removeConnection(connectionId);
  }
  return { statusCode: 200 };
});

/** @returns `undefined` for a notification, which has no answer */
async function respond(connectionId: string, text: string): Promise<Response | undefined> {
  let id: RequestId | null = null;
  try {
    const connection = await getConnection(connectionId);
    if (!connection) throw new AtelierError("UNAUTHENTICATED", "This connection is over. Connect again.");
    // Before anything else, so that no change between this answer and the next push is missed.
    if (!connection.subscribed) await subscribe(connection);
    if (Buffer.byteLength(text) > MAX_SOCKET_MESSAGE_BYTES) throw tooLarge("This request");
    const request = parseRequest(text);
    id = request.id ?? null;
    const response = await route(request, callOf(connection.peer));
    return request.id === undefined ? undefined : response;
  } catch (error) {
    return failure(id, translate(error, "message"));
  }
}

/** A supervisor only listens here: it makes its calls by `POST /rpc`, which asks each time whether its instance still lives. */
function callOf(peer: Peer): Call {
  return peer.kind === "user" ? peer : { kind: "anonymous" };
}

/** The answer's text, or an error's when a socket cannot carry it. */
export function fitResponse(response: Response): string {
  const text = JSON.stringify(response);
  if (Buffer.byteLength(text) <= MAX_SOCKET_MESSAGE_BYTES) return text;
  return JSON.stringify(failure(response.id, tooLarge("This answer")));
}

function tooLarge(what: string): AtelierError {
  return new AtelierError(
    "MESSAGE_TOO_LARGE",
    `${what} is over ${MAX_SOCKET_MESSAGE_BYTES} bytes, more than a socket carries. Make the same call by POST /rpc.`,
  );
}
