/** Keeps Atelier's cookie and headers between the browser and the gate: user code neither reads nor sets them. */
import { ROUTE_COOKIE } from "#protocol/route-token.ts";

const OWN = new Set([ROUTE_COOKIE, `__host-${ROUTE_COOKIE}`]);

/** A `Cookie` header without ours, in every spelling; `undefined` when nothing is left. */
export function stripOwnCookies(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const kept = header.split(";").filter((part) => !OWN.has(nameOf(part)));
  return kept.length > 0 && kept.join("").trim() !== "" ? kept.join(";").trim() : undefined;
}

/**
 * `Set-Cookie` values without those that set ours, and for this host only: with a `Domain`, browsers would send the cookie to every
 * sibling and take it from every sibling.
 */
export function stripOwnSetCookies(values: readonly string[]): string[] {
  return values.filter((value) => !OWN.has(nameOf(value))).map(forThisHost);
}

function forThisHost(setCookie: string): string {
  const [pair, ...attributes] = setCookie.split(";");
  return [pair, ...attributes.filter((attribute) => !/^\s*domain\s*(=|$)/i.test(attribute))].join(";");
}

/** The cookie that a redeemed ticket is traded for: for this host only, and coming back by a link brings it along. */
export function routeCookie(given: {
  token: string;
  cookieName: string;
  secure: boolean;
  maxAgeSeconds: number;
}): string {
  const secure = given.secure ? "; Secure" : "";
  return `${given.cookieName}=${given.token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${given.maxAgeSeconds}${secure}`;
}

function nameOf(cookie: string): string {
  return (cookie.split(";", 1)[0] as string).split("=", 1)[0]?.trim().toLowerCase() ?? "";
}
