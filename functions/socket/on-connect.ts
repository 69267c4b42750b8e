/** $connect: lets in a browser (exact origin and a one-use ticket) or a machine (no origin and a bearer), nothing else. */
import { authenticateInstance } from "#functions/instances/authenticate-instance.ts";
import { bearerOf } from "#functions/rpc/authenticate.ts";
import type { SocketConnectEvent } from "#functions/runtime/aws-events.ts";
import { env } from "#functions/runtime/config.ts";
import { onSocket } from "#functions/runtime/middleware.ts";
import { AtelierError } from "#protocol/errors.ts";
import { type Peer, putConnection } from "./connection-store.ts";
import { redeemTicketRow } from "./ticket-store.ts";

export const handler = onSocket({ env: ["TABLE_NAME", "DASHBOARD_ORIGIN"] }, async (event: SocketConnectEvent) => {
  await putConnection(event.requestContext.connectionId, await identify(event));
  return { statusCode: 200 };
});

/** @throws AtelierError PERMISSION_DENIED */
async function identify(event: SocketConnectEvent): Promise<Peer> {
  const headers = new Map(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const origin = headers.get("origin");
  const authorization = headers.get("authorization");
  const ticket = event.queryStringParameters?.ticket;
  if (origin === env("DASHBOARD_ORIGIN") && ticket && authorization === undefined) return redeem(ticket);
  if (origin === undefined && authorization !== undefined && !ticket) return authenticateMachine(authorization);
  throw new AtelierError(
    "PERMISSION_DENIED",
    "A socket is opened by the dashboard with a ticket, or by a program without Origin with a bearer.",
  );
}

async function redeem(ticket: string): Promise<Peer> {
  const fields = await redeemTicketRow(ticket, "socket");
  if (!fields) throw new AtelierError("PERMISSION_DENIED", "This ticket is used, too old, or none. Ask for another.");
  const { userId, sessionId, name = "", email } = fields;
  return { kind: "user", userId, sessionId, name, ...(email === undefined ? {} : { email }) };
}

async function authenticateMachine(authorization: string): Promise<Peer> {
  try {
    const { row: _row, ...peer } = await authenticateInstance(bearerOf(authorization));
    return peer;
  } catch (error) {
    if (!(error instanceof AtelierError) || error.kind !== "UNAUTHENTICATED") throw error;
    throw new AtelierError("PERMISSION_DENIED", error.message, { cause: error });
  }
}
