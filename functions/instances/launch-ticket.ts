/**
 * The launch ticket: what RunTask's environment carries, so that a supervisor can say hello once. Pure.
 * It shows in events and trails, so it is worth nothing after the first hello: that one's secret wins.
 *
 * `<key id>.<HMAC-SHA256 of "<instance id>.<attempt>" under that generation's atelier/launch key, base64url>`
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export function launchTicket(key: { id: string; key: Buffer }, instanceId: string, attempt: number): string {
  const proof = createHmac("sha256", key.key).update(`${instanceId}.${attempt}`).digest("base64url");
  return `${key.id}.${proof}`;
}

/** Which key generation a ticket says that it is of; `undefined` for what is no ticket. */
export function keyIdOf(ticket: string): string | undefined {
  return /^([A-Za-z0-9_-]{1,32})\.[A-Za-z0-9_-]{43}$/.exec(ticket)?.[1];
}

export function isLaunchTicket(
  ticket: string,
  key: { id: string; key: Buffer },
  instanceId: string,
  attempt: number,
): boolean {
  const expected = Buffer.from(launchTicket(key, instanceId, attempt));
  const given = Buffer.from(ticket);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
