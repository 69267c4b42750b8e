/** A supervisor without an IDE: it says what the real one says, by the same calls, as often as is needed. */
import { createHash } from "node:crypto";
import type { Clock } from "#local/service.ts";
import type { Response } from "#protocol/json-rpc.ts";
import type { MethodName, ParamsOf, ResultOf } from "#protocol/methods/index.ts";
import type { SupervisorFact } from "#protocol/methods/instance.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { Gate, type GateAnswer, type GateRequest } from "./gate.ts";
import type { Container, Program } from "./machines.ts";
import type { Network, NetworkSocket } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface SupervisorParts {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly volumes: ReadonlyMap<string, Map<string, string>>;
  /** How far a clone is, is told so often; histories do without. */
  readonly progressMs?: number;
  /** Work that was saved in the volume. */
  onSaved(container: Container): void;
  /** Files are read at the start. */
  onOpened(container: Container, files: ReadonlyMap<string, string>): void;
  onIdentity(identity: Identity): void;
  /** When somebody last used it, milliseconds since 1970; without it, somebody always does. */
  lastUsedAt?(container: Container): number;
  /** The cloud has written down that it was in use at that time. */
  onBeat?(container: Container, activeAt: number): void;
  /** Whether it listens for what becomes of its workspace. */
  readonly keepsSocket?: boolean;
}

/** What an instance proves itself with: good until it has ended. */
export interface Identity {
  readonly instanceId: string;
  readonly bearer: string;
  readonly launchTicket: string;
}

/** API Gateway closes a socket that was silent for ten minutes. */
const PING_MS = 4 * 60_000;

/** The cloud said no, for good. */
class Refused extends Error {}

export function bootSupervisor(parts: SupervisorParts, container: Container): Program {
  const supervisor = new Supervisor(parts, container);
  void supervisor.run().catch((error: unknown) => container.exit(1, String(error)));
  return supervisor;
}

class Supervisor implements Program {
  readonly #parts: SupervisorParts;
  readonly #container: Container;
  readonly #secret: string;
  readonly #bootedAt: number;
  #sequence = 0;
  #log = 0;
  #cutOffUntil = 0;
  #socket: NetworkSocket | undefined;
  #gate: Gate | undefined;
  #facts: Omit<SupervisorFact, "sequence">;

  constructor(parts: SupervisorParts, container: Container) {
    this.#parts = parts;
    this.#container = container;
    this.#bootedAt = parts.clock.now();
    this.#secret = parts.random.bytes(32).toString("base64url");
    const bootId = parts.random.bytes(8).toString("hex");
    this.#facts = { bootId, clone: { state: "waiting" }, ide: { state: "waiting" }, ports: [], tasks: [] };
  }

  terminate(): void {
    if (!this.#container.isRunning) return;
    this.#save();
    this.#parts.clock.setTimeout(() => this.#container.exit(143), this.#parts.random.between(100, 4_000));
  }

  async answer(request: GateRequest): Promise<GateAnswer> {
    return this.#gate?.answer(request, this.#parts.clock.now()) ?? { status: 503 };
  }

  async #redeem(params: ParamsOf<"instance.redeem">): Promise<ResultOf<"instance.redeem">> {
    if (this.#parts.clock.now() < this.#cutOffUntil) throw new Error("no route to host");
    return (await post(this.#parts.network, "instance.redeem", params, this.#bearer)) as ResultOf<"instance.redeem">;
  }

  ended(): void {
    this.#socket?.close();
  }

  async run(): Promise<void> {
    const { clock, random } = this.#parts;
    const { fault, instanceId, spec } = this.#container;
    const name = fault?.name;
    if (name === "dies at start") {
      await this.#wait(random.between(10, 2_000));
      return this.#container.exit(1, "Error: it could not start");
    }
    const ticket = spec.environment.ATELIER_LAUNCH_TICKET ?? "";
    const secretHash = createHash("sha256").update(this.#secret).digest("hex");
    const hello = { instanceId, ticket, secretHash, protocolVersion: PROTOCOL_VERSION };
    const { routeKeys } = (await this.#call("instance.hello", hello)) as ResultOf<"instance.hello">;
    this.#gate = new Gate(instanceId, routeKeys, (params) => this.#redeem(params));
    this.#parts.onIdentity({ instanceId, bearer: this.#bearer, launchTicket: ticket });
    if (this.#parts.keepsSocket) this.#listen(0);
    this.#parts.onOpened(this.#container, this.#files);
    if (name === "supervisor cut off") this.#cutOffUntil = clock.now() + (fault?.ms ?? 0) * 10;
    if (name === "supervisor cut off for good") this.#cutOffUntil = Number.POSITIVE_INFINITY;
    const clone = { state: "active", startedAt: clock.now() } as const;
    await this.#report({ clone: { ...clone, detail: "Receiving objects" } });
    await this.#say("Cloning …");
    const cloneMs = random.between(500, 8_000);
    const { progressMs = cloneMs } = this.#parts;
    for (let leftMs = cloneMs; leftMs > 0; leftMs -= progressMs) {
      await this.#wait(Math.min(leftMs, progressMs));
      if (leftMs > progressMs) await this.#report({ clone: { ...clone, detail: `${leftMs} ms left` } });
    }
    if (name === "dies while initializing") return this.#container.exit(137, "Killed");
    if (name === "gives up") {
      await this.#report({ failure: "The repository could not be cloned. Check it, then start again." });
      return;
    }
    await this.#report({ clone: { state: "done", endedAt: clock.now() }, ide: { state: "active" } });
    await this.#wait(random.between(300, 3_000));
    await this.#report({ ide: { state: "done" }, readyAt: clock.now(), ports: [3_000] });
    this.#save();
    if (name === "dies while running")
      clock.setTimeout(() => this.#container.exit(139, "Segmentation fault"), fault?.ms ?? 0);
    await this.#beat();
  }

  get #bearer(): string {
    return `${this.#container.instanceId}.${this.#secret}`;
  }

  get #files(): Map<string, string> {
    return this.#parts.volumes.get(this.#container.directory) as Map<string, string>;
  }

  /** A person's work, under a name of this run. */
  #save(): void {
    this.#files.set(this.#container.instanceId, `saved by ${this.#container.instanceId}`);
    this.#parts.onSaved(this.#container);
  }

  async #beat(): Promise<void> {
    const { clock, lastUsedAt = () => clock.now(), onBeat } = this.#parts;
    while (this.#container.isRunning) {
      const activeAt = Math.max(this.#bootedAt, lastUsedAt(this.#container));
      const { accepted } = (await this.#call("instance.heartbeat", { activeAt })) as ResultOf<"instance.heartbeat">;
      if (accepted) onBeat?.(this.#container, activeAt);
      await this.#wait(60_000);
    }
  }

  /** As `keep-socket.ts` of the real one: the first message subscribes, the later ones keep it open; it comes back for ever. */
  #listen(failures: number): void {
    const { clock, network, random } = this.#parts;
    if (!this.#container.isRunning) return;
    let wasOpen = false;
    const socket = network.connect(
      "/socket",
      { authorization: `Bearer ${this.#bearer}` },
      {
        open: () => {
          wasOpen = true;
          ping();
        },
        message: () => undefined,
        close: () => {
          const tries = wasOpen ? 0 : failures + 1;
          const longestMs = Math.min(30_000, 250 * 2 ** tries);
          clock.setTimeout(() => this.#listen(tries), random.between(longestMs / 2, longestMs));
        },
      },
    );
    this.#socket = socket;
    const ping = (): void => {
      if (this.#socket !== socket || !this.#container.isRunning) return;
      socket.send(JSON.stringify({ jsonrpc: "2.0", method: "ping" }));
      clock.setTimeout(ping, PING_MS);
    };
  }

  async #report(facts: Partial<SupervisorFact>): Promise<void> {
    this.#facts = { ...this.#facts, ...facts };
    this.#sequence += 1;
    await this.#call("instance.report", { ...this.#facts, sequence: this.#sequence });
  }

  async #say(text: string): Promise<void> {
    this.#log += 1;
    await this.#call("instance.log", { sequence: this.#log, text });
  }

  /** Again and again until it is acknowledged. @throws Refused */
  async #call<M extends MethodName>(method: M, params: ParamsOf<M>): Promise<unknown> {
    const { clock, network, random } = this.#parts;
    for (let attempt = 0; ; attempt += 1) {
      if (!this.#container.isRunning) return new Promise(() => undefined);
      try {
        if (clock.now() < this.#cutOffUntil) throw new Error("no route to host");
        return await post(network, method, params, method === "instance.hello" ? undefined : this.#bearer);
      } catch (error) {
        if (error instanceof Refused) throw error;
        await this.#wait(random.between(200, Math.min(30_000, 1_000 * 2 ** attempt)));
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.setTimeout(resolve, ms));
  }
}

/** @throws Refused for what another try cannot help; Error for the rest */
async function post(network: Network, method: string, params: unknown, bearer: string | undefined): Promise<unknown> {
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const { status, body } = await network.post(headers, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
  const answer = parse(body);
  if (answer === undefined) throw new Error(`status ${status}`);
  if ("result" in answer) return answer.result;
  const { name } = answer.error.data;
  if (["UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INVALID_PARAMS"].includes(name))
    throw new Refused(`${method}: ${answer.error.message}`);
  throw new Error(name);
}

function parse(body: string): Response | undefined {
  try {
    const answer = JSON.parse(body) as Response;
    return answer.jsonrpc === "2.0" ? answer : undefined;
  } catch {
    return undefined;
  }
}
