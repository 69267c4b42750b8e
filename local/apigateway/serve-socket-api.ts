/** WebSocket APIs: `$connect` decides about the handshake, each message is an invocation of its own, `$disconnect` is best effort. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { FunctionInvoker, ServiceContext } from "#local/service.ts";
import type { Api, Route } from "./api-state.ts";
import { invokeIntegration } from "./invoke-integration.ts";
import {
  type ClientSocket,
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  openConnection,
  type SocketConnection,
} from "./socket-connection.ts";
import { type Handshake, makeConnectEvent, makeDisconnectEvent, makeMessageEvent } from "./socket-event.ts";
import { watchFrames } from "./watch-frames.ts";

export interface SocketApis {
  handleUpgrade(api: Api, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** A handshake without a network. @returns the status of a refusal, or the open connection */
  open(api: Api, request: SocketRequest, socket: ClientSocket): Promise<number | OpenedSocket>;
  /** Only connections whose `$connect` has returned. */
  find(connectionId: string): SocketConnection | undefined;
  stop(): void;
}

/** What a client asks a WebSocket API for. */
export interface SocketRequest {
  /** With stage and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A client's side of a connection that was let in. */
export interface OpenedSocket {
  readonly connectionId: string;
  message(bytes: Buffer): void;
  /** It went away: as a close frame or, with 1006, without a word. */
  closed(code: number, reason: string): void;
}

/** The longest close reason that fits a control frame. */
const MAX_REASON_BYTES = 123;

export function createSocketApis(context: ServiceContext, invoker: FunctionInvoker): SocketApis {
  const { clock, random, log } = context;
  const connections = new Map<string, SocketConnection>();
  const protocols = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // Without a word of the integration no subprotocol is agreed on, and browsers then close.
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  });
  let isStopping = false;

  const id = (): string => `${random.bytes(17).toString("base64url")}=`;
  const moment = () => ({ now: clock.now(), requestId: id(), extendedRequestId: id() });

  /** Asks `$connect`. @returns why it was refused, or who comes in */
  async function decide(
    api: Api,
    request: SocketRequest,
  ): Promise<{ status: number; message: string } | { handshake: Handshake; protocol: string | undefined }> {
    const [path = "", ...rest] = request.url.split("?");
    const stage = path.slice(1).replace(/\/$/, "");
    if (!api.stages.has(stage)) return { status: 403, message: "Forbidden" };
    const handshake: Handshake = {
      connectionId: id(),
      stage,
      connectedAt: clock.now(),
      headers: request.headers,
      query: rest.join("?"),
    };
    const route = api.routes.get("$connect");
    let protocol: string | undefined;
    if (route) {
      const event = makeConnectEvent(api, handshake, moment());
      const result = await invokeIntegration(invoker, clock, route.integration, event);
      if (result === "late") return { status: 504, message: "Endpoint request timed out" };
      if (!result.ok) {
        log.warn(`$connect failed: ${result.error.errorType}: ${result.error.errorMessage}`, { api: api.id });
        return { status: 502, message: "Internal server error" };
      }
      const answer = (result.payload ?? {}) as { statusCode?: unknown; headers?: Record<string, unknown> };
      const status = Number(answer.statusCode);
      if (!(status >= 200 && status < 300)) {
        return { status: status >= 400 && status <= 599 ? status : 403, message: "Forbidden" };
      }
      const chosen = Object.entries(answer.headers ?? {}).find(
        ([name]) => name.toLowerCase() === "sec-websocket-protocol",
      );
      if (chosen) protocol = String(chosen[1]);
    }
    return { handshake, protocol };
  }

  async function connect(api: Api, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const decision = await decide(api, { url: request.url ?? "/", headers: request.headers });
    if ("status" in decision) return refuse(socket, decision.status, decision.message);
    const { handshake, protocol } = decision;
    if (protocol !== undefined) protocols.set(request, protocol);
    if (socket.destroyed || isStopping) {
      socket.destroy();
      disconnect(api, handshake, 1006, "");
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => accept(api, handshake, webSocket, socket));
  }

  function accept(api: Api, handshake: Handshake, webSocket: WebSocket, socket: Duplex): void {
    const connection = openConnection(clock, api.id, handshake, webSocket);
    connections.set(handshake.connectionId, connection);
    let isRefused = false;
    const watch = watchFrames(MAX_FRAME_BYTES, () => {
      isRefused = true;
      webSocket.close(1009, "Frame too large");
    });
    socket.prependListener("data", watch);
    webSocket.on("error", (error) => log.info(`a socket failed: ${error.message}`, { api: api.id }));
    webSocket.on("message", (data, isBinary) => {
      if (isRefused) return;
      connection.touch();
      onMessage(api, connection, data as Buffer, isBinary).catch((error) =>
        log.error("a message could not be handled", { api: api.id, error: String(error) }),
      );
    });
    webSocket.on("close", (code, reason) => {
      socket.off("data", watch);
      connections.delete(handshake.connectionId);
      // An API that goes away tells nobody; the next run finds the connection gone.
      if (!isStopping) disconnect(api, handshake, code, reason.toString());
    });
  }

  async function onMessage(api: Api, connection: SocketConnection, bytes: Buffer, isBinary: boolean): Promise<void> {
    const { handshake } = connection;
    const at = moment();
    const fail = (message: string): void => {
      const { connectionId } = handshake;
      connection.send(Buffer.from(JSON.stringify({ message, connectionId, requestId: at.requestId })));
    };
    const route = selectRoute(api, bytes, isBinary);
    if (!route) return fail("Forbidden");
    const data = { bytes, isBinary, messageId: id() };
    const event = makeMessageEvent(api, handshake, at, route.routeKey, data);
    const result = await invokeIntegration(invoker, clock, route.integration, event);
    if (result === "late") return fail("Endpoint request timed out");
    if (!result.ok) {
      log.warn(`${route.routeKey} failed: ${result.error.errorType}: ${result.error.errorMessage}`, { api: api.id });
      return fail("Internal server error");
    }
    const { body } = (result.payload ?? {}) as { body?: unknown };
    if (route.answers && typeof body === "string" && body !== "") connection.send(Buffer.from(body));
  }

  function disconnect(api: Api, handshake: Handshake, code: number, reason: string): void {
    const route = api.routes.get("$disconnect");
    if (!route) return;
    const event = makeDisconnectEvent(api, handshake, moment(), code, reason);
    invokeIntegration(invoker, clock, route.integration, event).then(
      (result) => {
        if (result === "late" || !result.ok) log.warn("$disconnect failed", { api: api.id });
      },
      () => undefined,
    );
  }

  return {
    handleUpgrade(api, request, socket, head) {
      socket.on("error", () => socket.destroy());
      connect(api, request, socket, head).catch((error) => {
        log.error("a connection could not be made", { api: api.id, error: String(error) });
        socket.destroy();
      });
    },
    async open(api, request, socket) {
      const decision = await decide(api, request);
      if ("status" in decision) return decision.status;
      const { handshake } = decision;
      const connection = openConnection(clock, api.id, handshake, socket);
      connections.set(handshake.connectionId, connection);
      socket.on("close", () => connections.delete(handshake.connectionId));
      return {
        connectionId: handshake.connectionId,
        message(bytes) {
          connection.touch();
          onMessage(api, connection, bytes, false).catch((error) =>
            log.error("a message could not be handled", { api: api.id, error: String(error) }),
          );
        },
        closed: (code, reason) => disconnect(api, handshake, code, reason),
      };
    },
    find: (connectionId) => connections.get(connectionId),
    stop() {
      isStopping = true;
      for (const connection of connections.values()) connection.terminate();
      server.close();
    },
  };
}

function selectRoute(api: Api, bytes: Buffer, isBinary: boolean): Route | undefined {
  let value: unknown;
  try {
    value = isBinary ? undefined : JSON.parse(bytes.toString());
  } catch {
    value = undefined;
  }
  for (const name of api.selection) {
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  const isReserved = typeof value === "string" && value.startsWith("$");
  const named = typeof value === "string" && !isReserved ? api.routes.get(value) : undefined;
  return named ?? api.routes.get("$default");
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ message: message.slice(0, MAX_REASON_BYTES) });
  socket.end(
    `HTTP/1.1 ${status} ${message}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
