/** $disconnect: forgets the connection. It may never be called; then a push that finds nobody, or the TTL, does it. */
import type { SocketDisconnectEvent } from "#functions/runtime/aws-events.ts";
import { onSocket } from "#functions/runtime/middleware.ts";
import { removeConnection } from "./connection-store.ts";

export const handler = onSocket({ env: ["TABLE_NAME"] }, async (event: SocketDisconnectEvent) => {
  await removeConnection(event.requestContext.connectionId);
  return { statusCode: 200 };
});
