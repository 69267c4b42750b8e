/** What opened something while an instance lived, and must open nothing afterwards. */
import { createHash } from "node:crypto";
import { parseInstanceId } from "#protocol/ids.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { stillOpens } from "./browser.ts";
import type { Monitor } from "./monitor.ts";
import { DASHBOARD_ORIGIN } from "./origins.ts";
import type { People } from "./people.ts";
import type { World } from "./world.ts";

interface Settled {
  readonly world: World;
  readonly monitor: Monitor;
  readonly people: People;
}

/** So many of a kind are tried; the last ones, which had the least time to become useless. */
const TRIED = 6;

export async function checkSecrets(settled: Settled): Promise<void> {
  await checkIdentities(settled);
  await checkProofs(settled);
  await checkSocketTickets(settled);
}

function isLive(monitor: Monitor, instanceId: string): boolean {
  const row = monitor.rows.get(parseInstanceId(instanceId)?.workspaceId ?? "");
  return row?.instance?.id === instanceId && row.phase !== "stopped";
}

async function checkIdentities({ world, monitor, people }: Settled): Promise<void> {
  for (const { instanceId, bearer, launchTicket } of people.identities) {
    if (isLive(monitor, instanceId)) continue;
    const authorization = `Bearer ${bearer}`;
    if (await isAnswered(world, { authorization }, "instance.heartbeat", { activeAt: world.clock.now() }))
      monitor.violate(5, `the secret of ${instanceId} works after its end`);
    const secretHash = createHash("sha256")
      .update(bearer.slice(bearer.indexOf(".") + 1))
      .digest("hex");
    const hello = { instanceId, ticket: launchTicket, secretHash, protocolVersion: PROTOCOL_VERSION };
    if (await isAnswered(world, {}, "instance.hello", hello))
      monitor.violate(5, `the launch ticket of ${instanceId} works after its end`);
  }
}

async function checkProofs({ world, monitor, people }: Settled): Promise<void> {
  // A ticket that was used is over, whatever became of its instance.
  const over = people.proofs.filter(({ kind, instanceId }) => kind === "ticket" || !isLive(monitor, instanceId));
  const last = (kind: string) => over.filter((proof) => proof.kind === kind).slice(-TRIED);
  for (const proof of [...last("ticket"), ...last("token")]) {
    const opened = await waitFor(world, stillOpens(world, proof));
    if (opened) monitor.violate(5, `${opened}, and ${proof.instanceId} has ended`);
  }
}

/** Each opened a socket, or was refused. */
async function checkSocketTickets({ world, monitor, people }: Settled): Promise<void> {
  for (const { url, cookie } of people.tickets.slice(-2)) {
    let isOpen = false;
    const open = (): void => {
      isOpen = true;
    };
    const { pathname, search } = new URL(url);
    const headers = { origin: DASHBOARD_ORIGIN, cookie };
    const nothing = (): void => undefined;
    const socket = world.network.connect(`${pathname}${search}`, headers, { open, message: nothing, close: nothing });
    await world.clock.runUntil(world.clock.now() + 2_000, () => isOpen);
    socket.close();
    if (isOpen) monitor.violate(5, "the ticket of a socket opened another one");
  }
}

async function waitFor<T>(world: World, work: Promise<T>): Promise<T | undefined> {
  let done: { value: T | undefined } | undefined;
  work.then(
    (value) => {
      done = { value };
    },
    () => {
      done = { value: undefined };
    },
  );
  await world.clock.runUntil(world.clock.now() + 40_000, () => done !== undefined);
  return done?.value;
}

async function isAnswered(
  world: World,
  headers: Record<string, string>,
  method: string,
  params: unknown,
): Promise<boolean> {
  const asked = world.network.post(headers, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
  const answer = await waitFor(world, asked);
  return answer?.body.includes('"result"') ?? false;
}
