/**
 * What the edge, `enter` and the supervisor agree on about reaching an instance.
 *
 * A ticket and a token have the same first two parts; a token has a third:
 *   `<payload>.<edge proof>[.<supervisor proof>]`, each base64url without padding
 * - payload: UTF-8 JSON of `RoutePayload`
 * - edge proof: HMAC-SHA256 over the payload's text (as it stands, encoded) under edge key `k`
 * - supervisor proof: Ed25519 over the same bytes under route key `k`
 */
export interface RoutePayload {
  /** What it is, so that neither can pass for the other. */
  t: "ticket" | "token";
  /** Key generation. */
  k: string;
  /** The exact `Host` header, lower case: `amber-otter-x7k2m9q4.ws.localhost:4000`. */
  h: string;
  /** Instance id. */
  i: string;
  /** Public DNS name of the task. */
  o: string;
  /** Expiry, seconds since 1970. */
  e: number;
  /** Of a ticket: 128 random bits. Of a token: the session, for revocation. */
  s: string;
}

/** Query parameter that carries a ticket: `https://<host>/?atelier-ticket=<ticket>`. */
export const TICKET_PARAMETER = "atelier-ticket";
/** Header in which the edge forwards a token that it has verified; it always overwrites or deletes what the browser sent. */
export const ROUTE_HEADER = "x-atelier-route";
/** Name of the cookie that carries a token; with https it is `__Host-atelier_route`. */
export const ROUTE_COOKIE = "atelier_route";
/** TCP port on which a supervisor serves its gate. */
export const SUPERVISOR_PORT = 22_999;
