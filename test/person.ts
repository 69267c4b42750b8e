/** Somebody who uses Atelier from outside, by its contracts alone: cookies, `POST /rpc`, the socket. */
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";

export interface WireWorkspace {
  id: string;
  ownerId: string;
  revision: number;
  url: string;
  context: { ref: string; commit?: string; kind: string };
  instance?: {
    id: string;
    phase: string;
    conditions: { failed?: string; timeout?: string; stoppedByRequest?: boolean; interrupted?: string };
    stages: { name: string; state: string; detail?: string; startedAt?: string; endedAt?: string }[];
    ports: { port: number; url: string }[];
  };
}

export class RpcError extends Error {
  readonly code: number;
  readonly kind: string;
  constructor(body: { code: number; message: string; data?: { name?: string } }) {
    super(body.message);
    this.code = body.code;
    this.kind = body.data?.name ?? "?";
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/**
 * One HTTP request to a local URL: every `*.localhost` is 127.0.0.1, and `Host` says which is meant. Follows nothing.
 * Node's own `fetch` neither resolves such names nor lets `Host` be set.
 */
export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port, pathname, search, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: hostname === "localhost" || hostname.endsWith(".localhost") ? "127.0.0.1" : hostname,
        port,
        path: pathname + search,
        method: options.method ?? "GET",
        headers: { host, ...options.headers },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

/** Cookies by host name, as browsers keep them: ports do not matter. */
export class CookieJar {
  readonly #cookies = new Map<string, Map<string, string>>();

  take(url: string, setCookie: string | string[] | undefined): void {
    const host = new URL(url).hostname;
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    for (const line of [setCookie ?? []].flat()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      const gone = /;\s*max-age=0/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line);
      if (gone) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }

  header(url: string): Record<string, string> {
    const jar = this.#cookies.get(new URL(url).hostname);
    return jar?.size ? { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") } : {};
  }

  get(host: string, name: string): string | undefined {
    return this.#cookies.get(host)?.get(name);
  }
}

/** Follows redirects as a browser's address bar does. @returns the last answer and where it was found. */
export async function navigate(jar: CookieJar, url: string): Promise<Answer & { url: string }> {
  let at = url;
  for (let hop = 0; hop < 12; hop += 1) {
    const answer = await send(at, {
      headers: { accept: "text/html", "sec-fetch-mode": "navigate", ...jar.header(at) },
    });
    jar.take(at, answer.headers["set-cookie"]);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status >= 400 || typeof location !== "string") return { ...answer, url: at };
    at = new URL(location, at).href;
  }
  throw new Error(`${url} redirects for ever; last to ${at}`);
}

export class Person {
  readonly jar = new CookieJar();
  readonly origin: string;

  private constructor(origin: string) {
    this.origin = origin;
  }

  static async signIn(origin: string, name: string): Promise<Person> {
    const person = new Person(origin);
    const page = await navigate(person.jar, `${origin}/login/local?login_hint=${encodeURIComponent(name)}`);
    if (person.jar.get("localhost", "atelier_session") === undefined) {
      throw new Error(`Sign-in of ${name} ended at ${page.url} with ${page.status}: ${page.body.slice(0, 500)}`);
    }
    return person;
  }

  async call<R>(method: string, params: Record<string, unknown> = {}): Promise<R> {
    const url = `${this.origin}/rpc`;
    const answer = await send(url, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.origin, ...this.jar.header(url) },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    let body: { result?: R; error?: { code: number; message: string; data?: { name?: string } } };
    try {
      body = JSON.parse(answer.body);
    } catch {
      throw new Error(`${method} was answered ${answer.status}: ${answer.body.slice(0, 300)}`);
    }
    if (body.error) throw new RpcError(body.error);
    return body.result as R;
  }

  async create(contextUrl: string): Promise<WireWorkspace> {
    return (await this.call<{ workspace: WireWorkspace }>("workspace.create", { contextUrl })).workspace;
  }

  async get(id: string): Promise<WireWorkspace> {
    return (await this.call<{ workspace: WireWorkspace }>("workspace.get", { id })).workspace;
  }

  /** Opens the socket, subscribed by its first message. */
  async openSocket(): Promise<Socket> {
    const { ticket } = await this.call<{ ticket: string }>("socket.ticket");
    const { port } = new URL(this.origin);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket?ticket=${encodeURIComponent(ticket)}`, {
      headers: { host: new URL(this.origin).host, origin: this.origin },
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const opened = new Socket(socket);
    await opened.call("workspace.list");
    return opened;
  }

  /** Waits, woken by pushes, until a workspace is in one of these phases. */
  async until(id: string, phases: string | string[], deadlineMs = 60_000): Promise<WireWorkspace> {
    const socket = await this.openSocket();
    try {
      return await socket.until(id, [phases].flat(), await this.get(id), deadlineMs);
    } finally {
      socket.close();
    }
  }

  /** Enters a workspace as a browser does. @returns the page on which it ended. */
  async enter(id: string, port?: number): Promise<Answer & { url: string }> {
    const { url } = await this.call<{ url: string }>("workspace.enter", port === undefined ? { id } : { id, port });
    return navigate(this.jar, url);
  }
}

interface Message {
  id?: number;
  method?: string;
  params?: { workspace?: WireWorkspace; [key: string]: unknown };
  result?: unknown;
  error?: { code: number; message: string; data?: { name?: string } };
}

export class Socket {
  readonly notifications: (Message & { at: number })[] = [];
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(message: Message) => void>();
  #nextId = 1;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const message = JSON.parse(data.toString()) as Message;
      if (message.method) this.notifications.push({ ...message, at: performance.now() });
      for (const listener of [...this.#listeners]) listener(message);
    });
  }

  async call<R>(method: string, params: Record<string, unknown> = {}): Promise<R> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answered = this.next((message) => message.id === id, 15_000, method);
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const message = await answered;
    if (message.error) throw new RpcError(message.error);
    return message.result as R;
  }

  /** The next message that fits, from now on. */
  next(fits: (message: Message) => boolean, deadlineMs: number, what: string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new Error(`${what}: nothing came within ${deadlineMs / 1000} s`));
      }, deadlineMs);
      const listener = (message: Message) => {
        if (!fits(message)) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(message);
      };
      this.#listeners.add(listener);
    });
  }

  async until(id: string, phases: string[], known: WireWorkspace, deadlineMs: number): Promise<WireWorkspace> {
    let seen = known;
    const isThere = (workspace: WireWorkspace) => phases.includes(workspace.instance?.phase ?? "");
    // What was pushed while `known` was on its way.
    for (const { method, params } of this.notifications) {
      const pushed = params?.workspace;
      if (method === "workspace.changed" && pushed?.id === id && pushed.revision > seen.revision) seen = pushed;
    }
    if (isThere(seen)) return seen;
    try {
      await this.next(
        ({ method, params }) => {
          if (method !== "workspace.changed" || params?.workspace?.id !== id) return false;
          if (params.workspace.revision >= seen.revision) seen = params.workspace;
          return isThere(seen);
        },
        deadlineMs,
        `${id} → ${phases.join(" or ")}`,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; last seen ${JSON.stringify(seen.instance)}`);
    }
    return seen;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Waits for something that sends no message of its own accord, such as a file. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
    await delay(50);
  }
}
