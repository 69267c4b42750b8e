/**
 * A server for tests and screenshots of the dashboard: it speaks the protocol over HTTP and WebSocket, keeps its workspaces in
 * memory, and does only what it is told to. Not part of the product.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { digestOf } from "#protocol/digest.ts";
import { AtelierError } from "#protocol/errors.ts";
import { failure, type Request, success } from "#protocol/json-rpc.ts";
import type { MethodName, ParamsOf, ResultOf } from "#protocol/methods/index.ts";
import type { NotificationName, NotificationOf } from "#protocol/notifications.ts";
import type { Workspace } from "#protocol/workspace.ts";

type Answers = {
  [M in MethodName]?: (params: ParamsOf<M>) => ResultOf<M> | Promise<ResultOf<M>>;
};

/** What the static site's server sends with every page on AWS and locally: nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html",
};

export class TestServer {
  readonly workspaces = new Map<string, Workspace>();
  readonly logs = new Map<string, { sequence: number; text: string }[]>();
  /** Overrides of methods, by name. */
  readonly answers: Answers = {};
  /** Every call, as `post workspace.list` or `socket workspace.list`. */
  readonly calls: string[] = [];
  readonly sockets = new Set<WebSocket>();
  signedIn = true;
  /** Refuses WebSocket connections with this status. */
  refuseSockets: number | undefined;
  readonly #site: string | undefined;
  readonly #tickets = new Set<string>();
  readonly #http = createServer((request, response) => void this.#onRequest(request, response));
  readonly #webSockets = new WebSocketServer({ noServer: true });

  /** @param site folder of static files */
  constructor(site?: string) {
    this.#site = site;
    this.#http.on("upgrade", (request, socket, head) => {
      const ticket = new URL(request.url ?? "/", "http://x").searchParams.get("ticket") ?? "";
      if (this.refuseSockets !== undefined || !this.#tickets.delete(ticket)) {
        socket.end(`HTTP/1.1 ${this.refuseSockets ?? 403} Refused\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#onSocket(webSocket));
    });
  }

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#http.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  push<N extends NotificationName>(method: N, params: NotificationOf<N>): void {
    for (const socket of this.sockets) socket.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  /** Stores the next revision of a workspace and pushes it. */
  change(id: string, change: (workspace: Workspace) => Partial<Workspace>): Workspace {
    const before = this.workspaces.get(id) as Workspace;
    const workspace = { ...before, ...change(before), revision: before.revision + 1 };
    this.workspaces.set(id, workspace);
    this.push("workspace.changed", { workspace });
    return workspace;
  }

  log(id: string, text: string): void {
    const instanceId = this.workspaces.get(id)?.instance?.id as string;
    const log = this.logs.get(instanceId) ?? [];
    const sequence = log.length + 1;
    this.logs.set(instanceId, [...log, { sequence, text }]);
    this.push("log.appended", { workspaceId: id, instanceId, sequence, text });
  }

  #onSocket(socket: WebSocket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("message", async (data) => {
      const answer = await this.#answer("socket", JSON.parse(String(data)) as Request);
      if (answer) socket.send(answer);
    });
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] as string;
    if (path === "/rpc") {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await this.#answer("post", JSON.parse(Buffer.concat(chunks).toString()) as Request);
      if (!answer) return void request.socket.destroy();
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    } else if (path === "/version") {
      const providers = [{ id: "local", name: "Local" }];
      response.end(JSON.stringify({ version: "0.1.0", protocolVersion: 1, release: "test", providers }));
    } else {
      const name = path === "/" ? "/index.html" : normalize(path);
      try {
        const headers = { "content-type": TYPES[extname(name)] ?? "text/plain", "content-security-policy": POLICY };
        const body = readFileSync(join(this.#site ?? "/nonexistent", name));
        response.writeHead(200, headers).end(body);
      } catch {
        response.writeHead(404).end();
      }
    }
  }

  /** @returns `undefined` where the connection is to break instead */
  async #answer(way: "post" | "socket", { id: requestId, method, params }: Request): Promise<string | undefined> {
    const id = requestId ?? null;
    this.calls.push(`${way} ${method}`);
    try {
      if (!this.signedIn) throw new AtelierError("UNAUTHENTICATED", "Sign in.");
      const special = this.answers[method as MethodName] as ((params: never) => unknown) | undefined;
      const result = await (special ?? this.#standard(method))(params as never);
      const text = JSON.stringify(success(id, result));
      if (way === "socket" && text.length > 30_000) throw new AtelierError("MESSAGE_TOO_LARGE", "Ask by POST.");
      return text;
    } catch (error) {
      if (error instanceof AtelierError) return JSON.stringify(failure(id, error));
      return undefined;
    }
  }

  #standard(method: string): (params: never) => unknown {
    const find = (id: string) => {
      const workspace = this.workspaces.get(id);
      if (!workspace) throw new AtelierError("NOT_FOUND", "There is no such workspace.");
      return workspace;
    };
    const standard: Answers = {
      "user.me": () => ({
        id: "u1",
        name: "Ada Lovelace",
        email: "ada@example.com",
        limits: { runningInstances: 8 },
        classes: CLASSES,
      }),
      "socket.ticket": () => {
        const ticket = randomBytes(16).toString("hex");
        this.#tickets.add(ticket);
        return { ticket, expiresAt: new Date(Date.now() + 60_000).toISOString() };
      },
      "workspace.list": ({ digest }) => {
        const workspaces = [...this.workspaces.values()];
        if (digest === digestOf(workspaces)) return { workspaces: [], unchanged: true };
        return { workspaces };
      },
      "workspace.get": ({ id, logAfter }) => {
        const workspace = find(id);
        const log = this.logs.get(workspace.instance?.id ?? "") ?? [];
        return {
          workspace,
          ...(logAfter === undefined ? {} : { log: log.filter(({ sequence }) => sequence > logAfter) }),
        };
      },
      "workspace.delete": ({ id }) => {
        const revision = find(id).revision + 1;
        this.workspaces.delete(id);
        this.push("workspace.deleted", { id, revision });
        return { id, revision };
      },
      "workspace.enter": ({ id }) => ({ url: find(id).url, expiresAt: new Date(Date.now() + 60_000).toISOString() }),
    };
    const answer = standard[method as MethodName];
    if (!answer) throw new AtelierError("METHOD_NOT_FOUND", `The test does not answer ${method}.`);
    return answer as (params: never) => unknown;
  }
}

export const CLASSES: ResultOf<"user.me">["classes"] = [
  {
    id: "standard",
    name: "Standard",
    cpu: 2,
    memoryMiB: 4_096,
    diskGiB: 21,
    architecture: "arm64",
    dollarsPerHour: 0.084,
  },
];

/** A workspace in some phase; everything else can be overridden. */
export function makeWorkspace(
  id: string,
  phase: NonNullable<Workspace["instance"]>["phase"],
  more: Partial<Workspace> = {},
): Workspace {
  const at = new Date().toISOString();
  return {
    id,
    ownerId: "u1",
    contextUrl: "https://github.com/acme/shop",
    context: {
      kind: "branch",
      repository: { host: "github.com", owner: "acme", name: "shop", cloneUrl: "https://github.com/acme/shop.git" },
      ref: "main",
      refType: "branch",
      commit: "3f2a91c0d4b5e6f708192a3b4c5d6e7f80910a1b",
      path: "",
      title: "acme/shop · main",
    },
    class: "standard",
    createdAt: at,
    lastUsedAt: at,
    revision: 1,
    url: `http://${id}.ws.localhost:4000/`,
    instance: {
      id: `${id}-r1`,
      phase,
      conditions: {},
      stages: [],
      ports: [],
      tasks: [],
      requestedAt: at,
    },
    ...more,
  };
}
