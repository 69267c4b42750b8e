/** `node:http` as functions use it, without a network: a request is answered by the history. */
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";

export interface OutgoingRequest {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}
export interface IncomingAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}
/** @throws what a broken connection throws */
export type HttpAnswerer = (request: OutgoingRequest) => Promise<IncomingAnswer>;

interface Options {
  readonly protocol?: string;
  readonly host?: string;
  readonly hostname?: string;
  readonly method?: string;
  readonly path?: string;
  readonly pathname?: string;
  readonly search?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly signal?: AbortSignal;
}
type OnResponse = (response: Readable) => void;

class Agent {
  readonly sockets = {};
  readonly requests = {};
  readonly maxSockets = Number.POSITIVE_INFINITY;
  destroy(): void {}
}

class ClientRequest extends EventEmitter {
  readonly #options: Options;
  readonly #answer: HttpAnswerer;
  readonly #chunks: Buffer[] = [];
  readonly #headers: Record<string, string>;
  destroyed = false;
  readonly socket = null;

  constructor(options: Options, answer: HttpAnswerer, onResponse: OnResponse | undefined) {
    super();
    this.#options = options;
    this.#answer = answer;
    const named = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
    this.#headers = Object.fromEntries(named);
    if (onResponse) this.once("response", onResponse);
    options.signal?.addEventListener("abort", () => this.destroy(options.signal?.reason as Error), { once: true });
  }

  setHeader(name: string, value: string): void {
    this.#headers[name.toLowerCase()] = value;
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): void {}

  setSocketKeepAlive(): void {}

  write(chunk: Buffer | string): boolean {
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  end(chunk?: Buffer | string | (() => void)): this {
    if (chunk !== undefined && typeof chunk !== "function") this.write(chunk);
    void this.#send();
    return this;
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    if (error) queueMicrotask(() => this.emit("error", error));
    this.emit("close");
    return this;
  }

  abort(): void {
    this.destroy();
  }

  async #send(): Promise<void> {
    const { host, hostname = host ?? "", method = "GET", path, pathname = "/", search = "" } = this.#options;
    const request: OutgoingRequest = {
      host: hostname,
      method,
      path: path ?? `${pathname}${search}`,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks),
    };
    try {
      const { status, headers, body } = await this.#answer(request);
      if (this.destroyed) return;
      const response = Object.assign(new Readable({ read: () => undefined }), { statusCode: status, headers });
      response.push(body.length > 0 ? Buffer.from(body) : null);
      if (body.length > 0) response.push(null);
      this.emit("response", response);
    } catch (error) {
      if (!this.destroyed) this.emit("error", error);
    }
  }
}

export function httpModules(answer: HttpAnswerer): Record<string, unknown> {
  const request = (first: URL | Options, ...rest: unknown[]): ClientRequest => {
    const onResponse = rest.find((one) => typeof one === "function") as OnResponse | undefined;
    const given = rest.find((one) => typeof one === "object") as Options | undefined;
    const place =
      first instanceof URL
        ? { hostname: first.hostname, path: `${first.pathname}${first.search}` }
        : (first as Options);
    return new ClientRequest({ ...place, ...given }, answer, onResponse);
  };
  return { Agent, request, globalAgent: new Agent() };
}
