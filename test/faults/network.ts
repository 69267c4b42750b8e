/** Between clients and the cloud of the moment: time passes, things get lost, and while the cloud is down nobody answers. */
import type { ApiGateway } from "#local/apigateway/create-apigateway.ts";
import type { OpenedSocket } from "#local/apigateway/serve-socket-api.ts";
import type { ClientSocket } from "#local/apigateway/socket-connection.ts";
import type { Clock } from "#local/service.ts";
import type { FaultInjector } from "./faults.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** The end of a socket at its client. */
export interface SocketEvents {
  open(): void;
  message(text: string): void;
  close(): void;
}
export interface NetworkSocket {
  send(text: string): void;
  close(): void;
  /** The line is dead: both ends hear nothing of each other, and neither is told. */
  vanish(): void;
}

export interface NetworkParts {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly faults: FaultInjector;
}

export class Network {
  readonly #parts: NetworkParts;
  #gateway: ApiGateway | undefined;
  /** What is under way in the cloud of the moment. */
  readonly #underWay = new Set<() => void>();
  readonly #lines = new Set<() => void>();
  #stormUntil = 0;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  attach(gateway: ApiGateway): void {
    this.#gateway = gateway;
  }

  /** The cloud is gone, and every connection with it. */
  detach(): void {
    this.#gateway = undefined;
    for (const breakOff of [...this.#underWay]) breakOff();
    this.#underWay.clear();
  }

  /** `POST /rpc`. @throws Error when no answer comes */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    return this.request("POST", "/rpc", { "content-type": "application/json", ...headers }, body);
  }

  /** @param url path and query. @throws Error when no answer comes */
  async request(method: string, url: string, headers: Readonly<Record<string, string>>, body = ""): Promise<Answer> {
    const fault = this.#parts.faults.at("request");
    await this.#delay(3, 40);
    if (fault?.name === "request lost") throw new Error("connection reset");
    const gateway = this.#gateway;
    const [domain = ""] = gateway?.domainNames("HTTP") ?? [];
    if (gateway === undefined) throw new Error("connection refused");
    const broken = Promise.withResolvers<never>();
    const breakOff = (): void => broken.reject(new Error("connection reset"));
    this.#underWay.add(breakOff);
    try {
      const [path = "/", query = ""] = url.split("?");
      const request = { method, path, query, headers: { host: domain, ...headers }, body: Buffer.from(body) };
      const answer = await Promise.race([gateway.request(domain, request), broken.promise]);
      await Promise.race([this.#delay(3, 40), broken.promise]);
      if (fault?.name === "response lost") throw new Error("connection reset");
      return { status: answer?.status ?? 0, headers: answer?.headers ?? {}, body: answer?.body.toString() ?? "" };
    } finally {
      this.#underWay.delete(breakOff);
    }
  }

  /** All sockets are cut in the same instant, and for a while many of those who come back are refused or wait. */
  storm(ms: number): void {
    this.#stormUntil = this.#parts.clock.now() + ms;
    for (const cut of [...this.#lines]) cut();
  }

  /** A WebSocket. */
  connect(url: string, headers: Readonly<Record<string, string>>, events: SocketEvents): NetworkSocket {
    const line = new Line(this.#parts, events, () => {
      this.#underWay.delete(line.cut);
      this.#lines.delete(line.cut);
    });
    this.#underWay.add(line.cut);
    this.#lines.add(line.cut);
    void (async () => {
      await this.#delay(3, 40);
      if (this.#parts.clock.now() < this.#stormUntil) {
        const { random } = this.#parts;
        if (random.chance(0.4)) return line.cut();
        if (random.chance(0.5)) await this.#delay(500, 12_000);
      }
      const gateway = this.#gateway;
      const [domain = ""] = gateway?.domainNames("WEBSOCKET") ?? [];
      const request = { url, headers: { host: domain, ...headers } };
      const opened = await gateway?.connect(domain, request, line.server);
      await this.#delay(3, 40);
      if (typeof opened === "object") line.opened(opened);
      else line.cut();
    })();
    return line;
  }

  #delay(from: number, to: number): Promise<void> {
    const { clock, random } = this.#parts;
    return new Promise((resolve) => clock.setTimeout(resolve, random.between(from, to)));
  }
}

/** One WebSocket: each direction keeps its order. */
class Line implements NetworkSocket {
  readonly #parts: NetworkParts;
  readonly #events: SocketEvents;
  readonly #forget: () => void;
  readonly #onServerClose: (() => void)[] = [];
  #opened: OpenedSocket | undefined;
  #state: "connecting" | "open" | "closed" = "connecting";
  #isDead = false;
  #parts_ = "";
  #nextUp = 0;
  #nextDown = 0;

  constructor(parts: NetworkParts, events: SocketEvents, forget: () => void) {
    this.#parts = parts;
    this.#events = events;
    this.#forget = forget;
  }

  /** What the API holds of it. */
  readonly server: ClientSocket = (() => {
    const line = this;
    return {
      OPEN: 1,
      get readyState() {
        return line.#state === "closed" && !line.#isDead ? 3 : 1;
      },
      bufferedAmount: 0,
      on: (_event: "close", listener: () => void) => line.#onServerClose.push(listener),
      send: (bytes: Buffer, { fin }: { fin: boolean }) => line.#receive(bytes, fin),
      close: () => line.#endFromServer(),
      terminate: () => line.#endFromServer(),
    };
  })();

  opened(socket: OpenedSocket): void {
    this.#opened = socket;
    // The client went away during the handshake.
    if (this.#state === "closed") {
      this.#tellServer(1006);
      return;
    }
    this.#state = "open";
    if (!this.#isDead) this.#events.open();
  }

  send(text: string): void {
    if (this.#state !== "open" || this.#isDead) return;
    const { clock, random } = this.#parts;
    const at = Math.max(this.#nextUp, clock.now() + random.between(2, 30));
    this.#nextUp = at;
    clock.setTimeout(() => {
      if (this.#state === "open" && !this.#isDead) this.#opened?.message(Buffer.from(text));
    }, at - clock.now());
  }

  close(): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#forget();
    if (wasOpen && !this.#isDead) this.#tellServer(1000);
    this.#parts.clock.setTimeout(() => this.#events.close(), 1);
  }

  /** Both ends are told at once. */
  readonly cut = (): void => {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#forget();
    if (wasOpen && !this.#isDead) this.#tellServer(1006);
    this.#events.close();
  };

  vanish(): void {
    this.#isDead = true;
  }

  #receive(bytes: Buffer, fin: boolean): void {
    this.#parts_ += bytes.toString();
    if (!fin) return;
    const text = this.#parts_;
    this.#parts_ = "";
    const { clock, random } = this.#parts;
    const at = Math.max(this.#nextDown, clock.now() + random.between(2, 30));
    this.#nextDown = at;
    clock.setTimeout(() => {
      if (this.#state === "open" && !this.#isDead) this.#events.message(text);
    }, at - clock.now());
  }

  #endFromServer(): void {
    if (this.#isDead) this.#tellServer(1006);
    else this.cut();
  }

  #tellServer(code: number): void {
    for (const listener of this.#onServerClose.splice(0)) listener();
    this.#opened?.closed(code, "");
    this.#opened = undefined;
  }
}
