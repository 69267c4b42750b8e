/** The API of `@connections`: `/<api id>/<stage>/@connections/<connection id>`. */
import { ApiError } from "#local/endpoint/api-error.ts";
import { answerRestJson, type RestRoute } from "#local/endpoint/rest-json.ts";
import type { ApiRequest, ApiResponse } from "#local/service.ts";
import { MAX_MESSAGE_BYTES, type SocketConnection } from "./socket-connection.ts";
import { sourceIpOf } from "./socket-event.ts";

const PATH = "/{apiId}/{stage}/@connections/{connectionId}";

export function handleConnectionsApi(
  request: ApiRequest,
  find: (connectionId: string) => SocketConnection | undefined,
): Promise<ApiResponse> {
  function open(parameters: Readonly<Record<string, string>>): SocketConnection {
    const connection = find(parameters.connectionId ?? "");
    const isTheirs = connection?.apiId === parameters.apiId && connection?.handshake.stage === parameters.stage;
    if (!connection || !isTheirs) throw gone();
    return connection;
  }
  const routes: RestRoute[] = [
    {
      method: "POST",
      path: PATH,
      handle({ body }, parameters) {
        const connection = open(parameters);
        if (body.length > MAX_MESSAGE_BYTES) {
          throw new ApiError("PayloadTooLargeException", `A message has at most ${MAX_MESSAGE_BYTES} bytes.`, 413);
        }
        const sent = connection.send(body);
        if (sent === "gone") throw gone();
        if (sent === "full") {
          throw new ApiError("LimitExceededException", "The client does not read: its buffer is full.", 429);
        }
        return { status: 200, headers: {}, body: "" };
      },
    },
    {
      method: "GET",
      path: PATH,
      handle(_request, parameters) {
        const { handshake, lastActiveAt } = open(parameters);
        return {
          connectedAt: new Date(handshake.connectedAt).toISOString(),
          identity: { sourceIp: sourceIpOf(handshake), userAgent: handshake.headers["user-agent"] ?? "" },
          lastActiveAt: new Date(lastActiveAt).toISOString(),
        };
      },
    },
    {
      method: "DELETE",
      path: PATH,
      handle(_request, parameters) {
        open(parameters).close(1000, "");
        return { status: 204, headers: {}, body: "" };
      },
    },
  ];
  return answerRestJson(request, routes);
}

function gone(): ApiError {
  return new ApiError("GoneException", "There is no such connection, or not yet, or no longer.", 410);
}
