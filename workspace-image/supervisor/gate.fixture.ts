/** For tests of the gate: what stands behind it, and a browser in front of it. */
import http from "node:http";
import { text } from "node:stream/consumers";
import { WebSocket, WebSocketServer } from "ws";
import { HOST, ORIGIN, routeToken } from "./control-plane.fixture.ts";

/** What stands behind the gate: answers, echoes sockets, and tries to set our cookie. */
export function makeUpstream(seen: http.IncomingMessage[], stops: (() => void)[]): http.Server {
  const server = http.createServer(async (request, response) => {
    seen.push(request);
    if (request.url?.startsWith("/hang")) return;
    if (request.url?.startsWith("/cut")) {
      response.writeHead(200, { "content-length": 100 }).write("part");
      setImmediate(() => response.destroy());
      return;
    }
    const body = await text(request);
    response.setHeader("set-cookie", ["atelier_route=evil; Path=/", "__Host-Atelier_Route=evil", "theme=dark"]);
    response.setHeader("content-type", request.url === "/" ? "text/html" : "text/plain");
    response.end(
      request.url === "/" ? `<meta id="vscode-workbench-web-configuration" data-settings="{}">` : `got ${body}`,
    );
  });
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on("headers", (headers) => headers.push("Set-Cookie: atelier_route=evil", "Set-Cookie: ok=1"));
  server.on("upgrade", (request, socket, head) => {
    seen.push(request);
    if (request.url === "/no") {
      socket.end("HTTP/1.1 418 No\r\nSet-Cookie: atelier_route=evil\r\nContent-Length: 2\r\n\r\nno");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (one) => one.on("message", (data) => one.send(`echo ${data}`)));
  });
  stops.push(() => {
    for (const one of sockets.clients) one.terminate();
    server.closeAllConnections();
    server.close();
  });
  return server;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export function askGate(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { host: HOST, "x-atelier-route": routeToken(), ...headers };
    const request = http.request({ host: "127.0.0.1", port, path, method, agent: false, headers: all });
    request.on("error", reject);
    request.on("response", async (response) => {
      try {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) });
      } catch (error) {
        reject(error);
      }
    });
    request.end(body);
  });
}

export interface UpgradeAnswer {
  status: number;
  body: string;
  socket?: WebSocket;
  cookies?: string[] | undefined;
}

/** Status of the answer to an upgrade; 101 is left open in `socket`. */
export function upgradeGate(port: number, path: string, headers: Record<string, string> = {}): Promise<UpgradeAnswer> {
  return new Promise((resolve) => {
    const all = { host: HOST, origin: ORIGIN, "x-atelier-route": routeToken(), ...headers };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: kept });
    let cookies: string[] | undefined;
    socket.on("upgrade", (response) => (cookies = response.headers["set-cookie"]));
    socket.on("open", () => resolve({ status: 101, body: "", socket, cookies }));
    socket.on("error", () => undefined);
    socket.on("unexpected-response", async (_request, response) => {
      resolve({
        status: response.statusCode ?? 0,
        body: await text(response),
        cookies: response.headers["set-cookie"],
      });
    });
  });
}
