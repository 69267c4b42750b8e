/** Which headers go on, both ways. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { stripOwnCookies, stripOwnSetCookies } from "./route-cookies.ts";

/** They speak of one connection (RFC 9110, 7.6.1), and `expect` was answered here already. */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** To user code: without our header and cookie, `Host` as the browser sent it. */
export function forwardRequestHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const forwarded = withoutHops(headers);
  for (const name of Object.keys(forwarded)) if (name.startsWith("x-atelier-")) delete forwarded[name];
  const cookie = stripOwnCookies(headers.cookie);
  if (cookie === undefined) delete forwarded.cookie;
  else forwarded.cookie = cookie;
  return forwarded;
}

/** To the browser: nothing that sets our cookie. */
export function forwardResponseHeaders(response: IncomingMessage): OutgoingHttpHeaders {
  const forwarded = withoutHops(response.headers);
  const cookies = stripOwnSetCookies(response.headers["set-cookie"] ?? []);
  if (cookies.length > 0) forwarded["set-cookie"] = cookies;
  else delete forwarded["set-cookie"];
  return forwarded;
}

function withoutHops(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name)));
}
