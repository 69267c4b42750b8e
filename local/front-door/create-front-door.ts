/**
 * The one address of the whole cloud: `http://localhost:<port>` and the names under it, on loopback only. It stands for DNS and the
 * edge locations: a request's `Host` decides which distribution answers, and a `Host` that is none of ours is refused, so that a page
 * of somewhere else cannot reach in by DNS rebinding.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ServiceContext } from "#local/service.ts";
import { findPortHolder, type PortHolder } from "./find-port-holder.ts";

/** What answers for a name. */
export interface Site {
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface FrontDoorOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** @param name lower case, without port */
  find(name: string): Site | undefined;
}

export interface FrontDoor {
  /** The port that it listens on; known after `start`. */
  readonly port: number;
  /** @throws PortTakenError */
  start(): Promise<void>;
  /** Ends every connection, upgraded ones too. */
  stop(): Promise<void>;
}

export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly port: number;
  /** `undefined` where the system does not tell. */
  readonly holder: PortHolder | undefined;
  constructor(port: number, holder: PortHolder | undefined) {
    const who = holder ? ` by ${holder.program} (process ${holder.pid})` : "";
    super(`Port ${port} is taken${who}. End it, or choose another port with ATELIER_PORT.`);
    this.port = port;
    this.holder = holder;
  }
}

const ADDRESSES = ["127.0.0.1", "::1"];

export function createFrontDoor(context: Pick<ServiceContext, "log">, options: FrontDoorOptions): FrontDoor {
  let port = options.port;
  const servers: Server[] = [];
  const sockets = new Set<Duplex>();

  function siteOf(request: IncomingMessage): Site | undefined {
    const match = /^([a-z0-9.-]+?)(?::(\d{1,5}))?$/i.exec(request.headers.host ?? "");
    const name = match?.[1]?.toLowerCase();
    if (!name || Number(match?.[2] ?? 80) !== port) return undefined;
    return options.find(name);
  }

  function listen(address: string): Promise<Server> {
    // No limit on how long a body may take: uploads and streams go through here.
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => {
      const site = siteOf(request);
      if (site) site.handleRequest(request, response);
      else refuse(request, response, port);
    });
    server.on("upgrade", (request, socket, head) => {
      const site = siteOf(request);
      if (site) site.handleUpgrade(request, socket, head);
      else socket.end(`HTTP/1.1 421 Misdirected Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => sockets.delete(socket));
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: address, ipv6Only: true, exclusive: true }, () => {
        server.off("error", reject);
        server.on("error", (error) => context.log.error("the front door failed", { error: String(error) }));
        resolve(server);
      });
    });
  }

  async function stop(): Promise<void> {
    const closing = servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closing);
  }

  return {
    get port() {
      return port;
    },
    async start() {
      for (const address of ADDRESSES) {
        try {
          const server = await listen(address);
          servers.push(server);
          const bound = server.address();
          if (typeof bound === "object" && bound) port = bound.port;
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          // A machine without IPv6 has no ::1 that anybody could take.
          if (address === "::1" && (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT")) continue;
          await stop();
          if (code === "EADDRINUSE") throw new PortTakenError(port, await findPortHolder(port));
          if (code === "EACCES")
            throw new Error(`Port ${port} needs privileges: choose one above 1023 with ATELIER_PORT.`);
          throw error;
        }
      }
    },
    stop,
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, port: number): void {
  request.resume();
  const body = `Nothing here answers to the name "${request.headers.host ?? ""}". Open http://localhost:${port}/ instead.\n`;
  response.writeHead(421, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(body);
}
