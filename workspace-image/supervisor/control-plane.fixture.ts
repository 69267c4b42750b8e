/** For tests: a control plane at the seam, HTTP and WebSocket, that holds every call against the protocol's schemas. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { type WebSocket, WebSocketServer } from "ws";
import { AtelierError } from "#protocol/errors.ts";
import { failure, success } from "#protocol/json-rpc.ts";
import { METHODS, type MethodName, type ResultOf } from "#protocol/methods/index.ts";
import type { SupervisorFact } from "#protocol/methods/instance.ts";
import type { RoutePayload } from "#protocol/route-token.ts";

export const WORKSPACE = "amber-otter-x7k2m3q4";
export const INSTANCE = `${WORKSPACE}-r2`;
export const HOST = `${WORKSPACE}.ws.localhost:4000`;
export const ORIGIN = `http://${HOST}`;

const route = generateKeyPairSync("ed25519");
export const ROUTE_KEYS = {
  "1": route.publicKey.export({ type: "spki", format: "der" }).toString("base64url"),
};

/** A token as `enter` and the edge would have let it through. */
export function routeToken(change: Partial<RoutePayload> = {}, key = route.privateKey): string {
  const payload: RoutePayload = {
    t: "token",
    k: "1",
    h: HOST,
    i: INSTANCE,
    o: "task.internal",
    e: Math.floor(Date.now() / 1_000) + 60,
    s: "session",
    ...change,
  };
  const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
  return `${text}.ZWRnZQ.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

interface Params extends Record<string, unknown> {
  ticket: string;
  secretHash: string;
  sequence: number;
  text: string;
}

export interface StandIn {
  readonly url: string;
  readonly reports: SupervisorFact[];
  readonly calls: { method: string; params: Record<string, unknown> }[];
  /** Of sockets: what came in. */
  readonly messages: string[];
  readonly sockets: Set<WebSocket>;
  log(): string;
  /** Decides about a call before it is answered: may throw an AtelierError, or answer with an HTTP status. */
  before: (method: string, params: Record<string, unknown>) => number | undefined;
  stop(): Promise<void>;
}

export async function startStandIn(hello: Partial<ResultOf<"instance.hello">> = {}): Promise<StandIn> {
  const reports: SupervisorFact[] = [];
  const calls: StandIn["calls"] = [];
  const messages: string[] = [];
  const log = new Map<number, string>();
  let secretHash: string | undefined;
  const isKnown = (authorization: string | undefined): boolean => {
    const [id, secret] = (authorization ?? "").replace("Bearer ", "").split(".");
    return (
      id === INSTANCE &&
      createHash("sha256")
        .update(secret ?? "")
        .digest("hex") === secretHash
    );
  };

  const answer = (method: MethodName, params: Params): unknown => {
    switch (method) {
      case "instance.hello":
        if (params.ticket !== "launch") throw new AtelierError("PERMISSION_DENIED", "This is not the launch ticket.");
        secretHash ??= params.secretHash;
        return {
          workspaceId: WORKSPACE,
          content: { cloneUrl: "http://127.0.0.1:1/none.git", name: "none", path: "" },
          gitCredentials: [],
          gitIdentity: { name: "Ada", email: "ada@acme.test" },
          routeKeys: ROUTE_KEYS,
          hostSuffix: ".ws.localhost:4000",
          dashboardOrigin: "http://localhost:4000",
          environment: {},
          ...hello,
        } satisfies ResultOf<"instance.hello">;
      case "instance.report":
        reports.push(params as unknown as SupervisorFact);
        return { accepted: true };
      case "instance.log":
        if (!log.has(params.sequence)) log.set(params.sequence, params.text);
        return { accepted: true };
      case "instance.heartbeat":
        return { accepted: true };
      case "instance.redeem":
        if (params.ticket !== "good") throw new AtelierError("PERMISSION_DENIED", "This ticket was used.");
        return { token: routeToken(), cookieName: "atelier_route", secure: false, maxAgeSeconds: 3_600 };
      default:
        throw new AtelierError("METHOD_NOT_FOUND", `${method} is not here.`);
    }
  };

  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { id, method, params } = JSON.parse(body) as {
      id: number;
      method: MethodName;
      params: Params;
    };
    const reply = (value: unknown): void => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    try {
      const status = standIn.before(method, params);
      if (status !== undefined) {
        response.writeHead(status, { "content-type": "text/html" }).end("<h1>no</h1>");
        return;
      }
      const checked = v.safeParse(METHODS[method].params as v.GenericSchema, params);
      if (!checked.success) throw new AtelierError("INVALID_PARAMS", v.summarize(checked.issues));
      if (method !== "instance.hello" && !isKnown(request.headers.authorization)) {
        throw new AtelierError("UNAUTHENTICATED", "Who is this?");
      }
      calls.push({ method, params });
      reply(success(id, answer(method, params)));
    } catch (error) {
      reply(failure(id, error instanceof AtelierError ? error : new AtelierError("INTERNAL_ERROR", "?")));
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (request.url !== "/socket" || request.headers.origin || !isKnown(request.headers.authorization)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (one) => one.on("message", (data) => messages.push(data.toString())));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reports,
    calls,
    messages,
    sockets: sockets.clients as Set<WebSocket>,
    log: () =>
      [...log]
        .sort(([a], [b]) => a - b)
        .map(([, text]) => text)
        .join(""),
    before: () => undefined,
    async stop() {
      for (const one of sockets.clients) one.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}

/** The notification of a phase, as it comes down a socket. */
export function changed(phase: string): object {
  const now = new Date().toISOString();
  return {
    jsonrpc: "2.0",
    method: "workspace.changed",
    params: {
      workspace: {
        id: WORKSPACE,
        ownerId: "u",
        contextUrl: ORIGIN,
        context: {
          kind: "branch",
          repository: { host: "h", owner: "o", name: "n", cloneUrl: "http://h/o/n" },
          ref: "main",
          refType: "branch",
          path: "",
          title: "n",
        },
        class: "small",
        createdAt: now,
        lastUsedAt: now,
        revision: 9,
        url: ORIGIN,
        instance: { id: INSTANCE, phase, conditions: {}, stages: [], ports: [], tasks: [], requestedAt: now },
      },
    },
  };
}
