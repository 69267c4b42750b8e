/** Hands an upgrade (WebSocket) that was let in to the IDE or to a port, and joins the two sockets. */
import http, { type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Page, render } from "./honest-pages.ts";
import { forwardRequestHeaders, forwardResponseHeaders } from "./proxy-headers.ts";
import type { Target } from "./proxy-request.ts";

/** @param onEnd once, when both sides are closed or it never began */
export function proxyUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  target: Target,
  onEnd: () => void,
): void {
  const headers = {
    ...forwardRequestHeaders(request.headers),
    connection: "Upgrade",
    upgrade: request.headers.upgrade,
  };
  const outgoing = http.request({
    ...target.options,
    agent: false,
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers,
    setHost: false,
  });
  let isJoined = false;
  socket.on("close", () => {
    outgoing.destroy();
    onEnd();
  });
  // A browser that went away; `close` follows.
  socket.on("error", () => socket.destroy());

  outgoing.on("upgrade", (incoming, upstream: Socket, upstreamHead) => {
    isJoined = true;
    socket.write(`${statusLine(incoming)}${headerLines(incoming, true)}\r\n`);
    join(socket, head, upstream, upstreamHead);
  });
  outgoing.on("response", (incoming) => {
    // It says no, or answers as if nothing had been asked: that goes back as it is.
    socket.write(`${statusLine(incoming)}${headerLines(incoming, false)}\r\n`);
    incoming.pipe(socket);
  });
  outgoing.on("error", () => {
    if (!isJoined && socket.writable) refuseUpgrade(request, socket, target.absent);
    else socket.destroy();
  });
  outgoing.end();
}

/** Answers an upgrade with a page, and closes. */
export function refuseUpgrade(request: IncomingMessage, socket: Duplex, page: Page): void {
  const { headers, body } = render(page, request.headers);
  const reason = http.STATUS_CODES[page.status] ?? "";
  const all = { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" };
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${page.status} ${reason}\r\n${lines(all)}\r\n${body}`);
}

function join(socket: Duplex, head: Buffer, upstream: Socket, upstreamHead: Buffer): void {
  upstream.setNoDelay(true);
  if ("setNoDelay" in socket) (socket as Socket).setNoDelay(true);
  upstream.on("error", () => upstream.destroy());
  // Each side may end first and still be sent to; when one is gone altogether, so is the other.
  upstream.on("close", () => socket.destroy());
  socket.on("close", () => upstream.destroy());
  if (head.length > 0) upstream.write(head);
  if (upstreamHead.length > 0) socket.write(upstreamHead);
  socket.pipe(upstream);
  upstream.pipe(socket);
}

function statusLine(incoming: IncomingMessage): string {
  return `HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}\r\n`;
}

function headerLines(incoming: IncomingMessage, isUpgrade: boolean): string {
  const connection = isUpgrade ? { connection: "Upgrade", upgrade: incoming.headers.upgrade } : { connection: "close" };
  return lines({ ...forwardResponseHeaders(incoming), ...connection });
}

function lines(headers: OutgoingHttpHeaders): string {
  let text = "";
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) text += `${name}: ${one}\r\n`;
  }
  return text;
}
