/** socket.ticket */
import type { Handler } from "#functions/rpc/call.ts";
import { clock, toIso } from "#functions/runtime/clock.ts";
import { randomText } from "#functions/runtime/random.ts";
import { issueTicket, TICKET_LIFETIME_MS } from "./ticket-store.ts";

export const makeTicket: Handler<"socket.ticket"> = async (_params, call) => {
  const ticket = randomText(128);
  const expiresAt = clock.now() + TICKET_LIFETIME_MS;
  await issueTicket(ticket, {
    kind: "socket",
    userId: call.userId,
    name: call.name,
    ...(call.email === undefined ? {} : { email: call.email }),
    sessionId: call.sessionId,
    expiresAt,
  });
  return { ticket, expiresAt: toIso(expiresAt) };
};
