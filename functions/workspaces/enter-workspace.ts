/** workspace.enter: a one-use URL that ends on the clean one, signed in to it. */
import type { Handler, UserCall } from "#functions/rpc/call.ts";
import { clock, toIso, toSeconds } from "#functions/runtime/clock.ts";
import { addLogFields } from "#functions/runtime/log.ts";
import { randomText } from "#functions/runtime/random.ts";
import { issueTicket, TICKET_LIFETIME_MS } from "#functions/socket/ticket-store.ts";
import { AtelierError } from "#protocol/errors.ts";
import { hostLabel } from "#protocol/ids.ts";
import { TICKET_PARAMETER } from "#protocol/route-token.ts";
import type { Phase } from "#protocol/workspace.ts";
import { getOwnWorkspace } from "./own-workspace.ts";
import { livingTasks, phaseOf } from "./phase.ts";
import { mintTicket } from "./route-proof.ts";
import { site } from "./site.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

export const enterWorkspace: Handler<"workspace.enter"> = async ({ id, port }, call) => {
  const row = await getOwnWorkspace(id, call.userId);
  const { url, expiresAt } = await openDoor(row, call, { port, path: "/" });
  return { url, expiresAt: toIso(expiresAt) };
};

/**
 * Mints a ticket. @param path with query, as it should be reached
 * @throws AtelierError CONFLICT when it does not run
 */
export async function openDoor(
  row: WorkspaceRow,
  person: Pick<UserCall, "userId" | "sessionId">,
  to: { port?: number | undefined; path: string },
): Promise<{ url: string; expiresAt: number }> {
  const { instance } = row;
  const phase = instance ? phaseOf(instance) : "stopped";
  const address =
    instance &&
    livingTasks(instance)
      .map(([arn]) => instance.addresses[arn])
      .find(Boolean);
  if (!instance || phase !== "running" || !address) throw notRunning(phase);
  addLogFields({ instanceId: instance.id });
  const { scheme, hostSuffix } = site();
  const host = `${hostLabel(row.id, to.port)}${hostSuffix}`;
  const expiresAt = clock.now() + TICKET_LIFETIME_MS;
  const ticket = await mintTicket({
    h: host,
    i: instance.id,
    o: address,
    e: toSeconds(expiresAt),
    s: randomText(128),
  });
  await issueTicket(ticket, {
    kind: "enter",
    userId: person.userId,
    sessionId: person.sessionId,
    workspaceId: row.id,
    instanceId: instance.id,
    host,
    expiresAt,
  });
  const url = new URL(to.path, `${scheme}//${host}`);
  url.searchParams.set(TICKET_PARAMETER, ticket);
  return { url: url.href, expiresAt };
}

function notRunning(phase: Phase): AtelierError {
  const text =
    phase === "stopped"
      ? "This workspace is stopped. Start it first."
      : phase === "stopping"
        ? "This workspace is stopping. Wait until it has stopped, then start it."
        : "This workspace is still starting. Try again when it runs.";
  return new AtelierError("CONFLICT", text);
}
