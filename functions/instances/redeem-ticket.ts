/** instance.redeem: a one-use ticket from a URL for the token that the browser keeps as a cookie. */
import type { Handler } from "#functions/rpc/call.ts";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { redeemTicketRow } from "#functions/socket/ticket-store.ts";
import { livingTasks, phaseOf } from "#functions/workspaces/phase.ts";
import { mintToken } from "#functions/workspaces/route-proof.ts";
import { site } from "#functions/workspaces/site.ts";
import { getWorkspace } from "#functions/workspaces/workspace-store.ts";
import { AtelierError } from "#protocol/errors.ts";
import { ROUTE_COOKIE } from "#protocol/route-token.ts";

/** As long as a session lasts. */
const MAX_AGE_SECONDS = 12 * 3_600;

export const redeemTicket: Handler<"instance.redeem"> = async (params, { workspaceId, instanceId }) => {
  const host = params.host.toLowerCase();
  // Taken before it is looked at: who shows it at a wrong door has spent it.
  const ticket = await redeemTicketRow(params.ticket, "enter");
  if (!ticket) throw refused("This link was used, or is too old. Open the workspace again from the dashboard.");
  if (ticket.instanceId !== instanceId || ticket.host !== host) throw refused("This link is for another workspace.");
  const row = await getWorkspace(workspaceId);
  const { instance } = row ?? {};
  const isTheirs = row?.ownerId === ticket.userId && row.deleted === undefined;
  if (!isTheirs || instance?.id !== instanceId || phaseOf(instance) !== "running") {
    throw refused("This workspace is not running, or no longer yours.");
  }
  const address = livingTasks(instance)
    .map(([arn]) => instance.addresses[arn])
    .find((name) => name !== undefined);
  if (address === undefined) throw refused("This workspace cannot be reached yet. Open it again in a moment.");
  const secure = site().scheme === "https:";
  const expiry = toSeconds(clock.now()) + MAX_AGE_SECONDS;
  return {
    token: await mintToken({ h: host, i: instanceId, o: address, e: expiry, s: ticket.sessionId }),
    cookieName: secure ? `__Host-${ROUTE_COOKIE}` : ROUTE_COOKIE,
    secure,
    maxAgeSeconds: MAX_AGE_SECONDS,
  };
};

function refused(message: string): AtelierError {
  return new AtelierError("PERMISSION_DENIED", message);
}
