/** A person's browser on its way into a workspace: dashboard, edge, gate, and the cookies that it collects. */
import { ROUTE_COOKIE, TICKET_PARAMETER } from "#protocol/route-token.ts";
import type { GateAnswer } from "./gate.ts";
import type { Container } from "./machines.ts";
import { DASHBOARD_ORIGIN, HOST_SUFFIX } from "./origins.ts";
import type { World } from "./world.ts";

/** Where following a URL ended. */
export interface Visit {
  readonly status: number;
  /** Who let it in. */
  readonly instanceId?: string;
  /** A ticket was taken on the way. */
  readonly ticket?: string;
}

/** What once opened, or could have opened, a workspace. */
export interface Proof {
  readonly kind: "ticket" | "token";
  readonly host: string;
  readonly instanceId: string;
  readonly value: string;
}

const MOST_REDIRECTS = 6;

export class Browser {
  readonly #world: World;
  readonly #session: () => string;
  readonly #onProof: (proof: Proof) => void;
  /** By host. */
  readonly #cookies = new Map<string, string>();

  constructor(world: World, session: () => string, onProof: (proof: Proof) => void) {
    this.#world = world;
    this.#session = session;
    this.#onProof = onProof;
  }

  /** @throws Error when somebody on the way cannot be reached */
  async open(address: string): Promise<Visit> {
    let url = new URL(address);
    let ticket: string | undefined;
    for (let step = 0; step < MOST_REDIRECTS; step += 1) {
      const given = url.searchParams.get(TICKET_PARAMETER);
      if (given) this.#onProof(proofOf("ticket", given));
      const answer = url.origin === DASHBOARD_ORIGIN ? await this.#askDashboard(url) : await this.#askWorkspace(url);
      if (given && answer.status === 303) ticket = given;
      if (answer.location === undefined) return { ...answer, ...(ticket ? { ticket } : {}) };
      url = new URL(answer.location, url);
    }
    return { status: 310 };
  }

  async #askDashboard(url: URL): Promise<{ status: number; location?: string }> {
    // The start page, or the way to sign in.
    if (url.pathname !== "/enter") return { status: 204 };
    const { status, headers } = await this.#world.network.request("GET", `${url.pathname}${url.search}`, {
      cookie: this.#session(),
    });
    return { status, ...(headers.location === undefined ? {} : { location: String(headers.location) }) };
  }

  async #askWorkspace(url: URL): Promise<{ status: number; location?: string; instanceId?: string }> {
    const cookie = this.#cookies.get(url.host) ?? "";
    const decision = this.#world.edge.decide({ url, cookie });
    if ("status" in decision) {
      const { status, location } = decision;
      return { status, ...(location === undefined ? {} : { location }) };
    }
    const container = taskAt(this.#world, decision.origin);
    if (container === undefined) return { status: 502 };
    const answer: GateAnswer = await container.visit({ host: url.host, path: decision.path, token: decision.token });
    const { status, location } = answer;
    const value = answer.cookie?.split(";", 1)[0];
    if (value) {
      this.#cookies.set(url.host, value);
      this.#onProof(proofOf("token", value.slice(ROUTE_COOKIE.length + 1)));
    }
    if (location !== undefined) return { status, location };
    return { status, ...(status === 200 ? { instanceId: container.instanceId } : {}) };
  }
}

/** Who answers at a public name now. */
function taskAt(world: World, publicName: string): Container | undefined {
  const place = world.cloud?.services.ecs.interfaces.resolve(publicName, 0);
  return place && world.machines.running.find(({ spec }) => spec.address === place.host);
}

/** Whether a proof still opens something: at its own door, at another's, or at a task that got the address of the one that it names. */
export async function stillOpens(world: World, { kind, host, value }: Proof): Promise<string | undefined> {
  const asTicket = `?${TICKET_PARAMETER}=${encodeURIComponent(value)}`;
  const [path, cookie, token] =
    kind === "ticket" ? [`/${asTicket}`, "", undefined] : ["/", `${ROUTE_COOKIE}=${value}`, value];
  for (const container of world.machines.running) {
    const own = `${container.instanceId.replace(/-r\d+$/, "")}${HOST_SUFFIX}`;
    if (own !== host && "origin" in world.edge.decide({ url: new URL(`http://${own}${path}`), cookie }))
      return `the edge takes a ${kind} for ${host} at ${own}`;
    for (const at of new Set([host, own])) {
      const { status } = await container.visit({ host: at, path, token });
      if (status === 200 || status === 303)
        return `the gate of ${container.instanceId} takes a ${kind} for ${host} at ${at}`;
    }
  }
  return undefined;
}

function proofOf(kind: Proof["kind"], value: string): Proof {
  const payload = JSON.parse(Buffer.from(value.split(".")[0] ?? "", "base64url").toString()) as {
    h: string;
    i: string;
  };
  return { kind, value, host: payload.h, instanceId: payload.i };
}
