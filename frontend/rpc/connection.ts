import { type ReadonlySignal, signal } from "@preact/signals";
import { AtelierError } from "#protocol/errors.ts";
import { backoffMs, type RpcEnvironment } from "./environment.ts";
import { SocketChannel } from "./socket-channel.ts";

const MINUTE_MS = 60_000;
/** A connection attempt or a sign of life takes no longer than this. */
const PATIENCE_MS = 20_000;

/** `connecting`: the first attempt; `open`; `lost`: was open or failed, tries again by itself; `ended`: stopped, or signed out. */
export type ConnectionState = "connecting" | "open" | "lost" | "ended";

export interface ConnectionEvents {
  /** A one-use ticket, by `POST /rpc`. */
  ticket(): Promise<string>;
  /** A small call over the socket, at once when it opens and every 4 to 5 minutes: API Gateway closes a socket that is idle for 10. */
  keepAlive(): Promise<unknown>;
  notification(method: string, params: Record<string, unknown>): void;
}

/** A socket that is there for ever: it reconnects with jittered backoff, and before API Gateway's limit of 2 hours without a gap. */
export class Connection {
  readonly #environment: RpcEnvironment;
  readonly #events: ConnectionEvents;
  readonly #state = signal<ConnectionState>("connecting");
  #channel: SocketChannel | undefined;
  #attempt = 0;
  #connecting = false;
  #stopped = true;
  #lastHeardAt = 0;
  #cancelTimers: Record<"retry" | "keepAlive" | "renew", () => void> = {
    retry: nothing,
    keepAlive: nothing,
    renew: nothing,
  };

  constructor(environment: RpcEnvironment, events: ConnectionEvents) {
    this.#environment = environment;
    this.#events = events;
  }

  get state(): ReadonlySignal<ConnectionState> {
    return this.#state;
  }

  /** What calls can be given to now. */
  get channel(): SocketChannel | undefined {
    return this.#channel;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#state.value = "connecting";
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of Object.values(this.#cancelTimers)) cancel();
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
    this.#state.value = "ended";
  }

  /** The network is back, or the person is: try at once, and find out whether an old socket still lives. */
  nudge(): void {
    if (this.#stopped) return;
    if (!this.#channel) {
      this.#attempt = 0;
      void this.#connect();
    } else if (this.#environment.now() - this.#lastHeardAt > MINUTE_MS) {
      void this.#sayAlive(this.#channel);
    }
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#stopped) return;
    this.#connecting = true;
    this.#cancelTimers.retry();
    try {
      const ticket = await this.#events.ticket();
      if (this.#stopped) return;
      const url = `${this.#environment.origin.replace(/^http/, "ws")}/socket?ticket=${encodeURIComponent(ticket)}`;
      const channel = await this.#open(url);
      if (this.#stopped) channel.close();
      else this.#adopt(channel);
    } catch (error) {
      if (error instanceof AtelierError && error.kind === "UNAUTHENTICATED") this.stop();
      else this.#retryLater();
    } finally {
      this.#connecting = false;
    }
  }

  #open(url: string): Promise<SocketChannel> {
    return new Promise((resolve, reject) => {
      const socket = this.#environment.openSocket(url);
      const fail = () => {
        cancel();
        reject(new Error("The socket did not open."));
        socket.close();
      };
      const cancel = this.#environment.after(PATIENCE_MS, fail);
      socket.addEventListener("open", () => {
        cancel();
        socket.removeEventListener("close", fail);
        socket.removeEventListener("error", fail);
        // At once: the first message may follow on the heels of the opening.
        resolve(this.#channelOf(socket));
      });
      socket.addEventListener("close", fail);
      socket.addEventListener("error", fail);
    });
  }

  #channelOf(socket: WebSocket): SocketChannel {
    const channel: SocketChannel = new SocketChannel(socket, {
      notification: (method, params) => {
        this.#lastHeardAt = this.#environment.now();
        this.#events.notification(method, params);
      },
      closed: () => this.#onClosed(channel),
    });
    return channel;
  }

  #adopt(channel: SocketChannel): void {
    const previous = this.#channel;
    this.#channel = channel;
    this.#state.value = "open";
    previous?.retire();
    this.#cancelTimers.renew();
    const renewMs = (80 + 35 * this.#environment.random()) * MINUTE_MS;
    this.#cancelTimers.renew = this.#environment.after(renewMs, () => void this.#connect());
    void this.#sayAlive(channel);
  }

  async #sayAlive(channel: SocketChannel): Promise<void> {
    this.#cancelTimers.keepAlive();
    const cancelDeadline = this.#environment.after(PATIENCE_MS, () => channel.close());
    try {
      await this.#events.keepAlive();
      this.#lastHeardAt = this.#environment.now();
      this.#attempt = 0;
    } catch (error) {
      // An answer of any kind is a sign of life.
      if (!(error instanceof AtelierError)) channel.close();
    } finally {
      cancelDeadline();
    }
    if (this.#channel !== channel || this.#stopped) return;
    const pauseMs = (4 + this.#environment.random()) * MINUTE_MS;
    this.#cancelTimers.keepAlive = this.#environment.after(pauseMs, () => void this.#sayAlive(channel));
  }

  #onClosed(channel: SocketChannel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#cancelTimers.keepAlive();
    this.#cancelTimers.renew();
    if (!this.#stopped) this.#retryLater();
  }

  #retryLater(): void {
    if (this.#channel) {
      // The renewal failed while the old socket is still good: try again well before its end.
      this.#cancelTimers.renew = this.#environment.after(MINUTE_MS, () => void this.#connect());
      return;
    }
    this.#state.value = "lost";
    const pauseMs = backoffMs(this.#attempt, () => this.#environment.random());
    this.#attempt += 1;
    this.#cancelTimers.retry();
    this.#cancelTimers.retry = this.#environment.after(pauseMs, () => void this.#connect());
  }
}

function nothing(): void {}
