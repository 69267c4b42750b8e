/** The supervisor's half of a route token: Ed25519, by key id (see protocol/route-token.ts). */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import * as v from "valibot";
import type { RoutePayload } from "#protocol/route-token.ts";

const Payload = v.object({
  t: v.literal("token"),
  k: v.string(),
  h: v.string(),
  i: v.string(),
  o: v.string(),
  e: v.number(),
  s: v.string(),
});

const MAX_TOKEN_CHARACTERS = 4_096;
/** A page makes hundreds of requests with the same token. */
const MAX_REMEMBERED = 50;

export class TokenCheck {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #instanceId: string;
  readonly #verified = new Map<string, RoutePayload>();

  /** @param routeKeys SPKI, base64url DER, by key id */
  constructor(routeKeys: Readonly<Record<string, string>>, instanceId: string) {
    this.#instanceId = instanceId;
    this.#keys = new Map(
      Object.entries(routeKeys).map(([id, der]) => [
        id,
        createPublicKey({ key: Buffer.from(der, "base64url"), format: "der", type: "spki" }),
      ]),
    );
  }

  /** Whether the token lets a browser reach exactly this host of this instance now. @param now milliseconds since 1970 */
  isGood(token: string | undefined, host: string, now: number): boolean {
    if (token === undefined || token.length > MAX_TOKEN_CHARACTERS) return false;
    const payload = this.#verified.get(token) ?? this.#verify(token);
    return payload !== undefined && payload.h === host && payload.i === this.#instanceId && payload.e * 1_000 > now;
  }

  #verify(token: string): RoutePayload | undefined {
    const [text, , proof, ...more] = token.split(".");
    if (!text || !proof || more.length > 0) return undefined;
    const parsed = v.safeParse(Payload, readJson(Buffer.from(text, "base64url").toString("utf8")));
    const key = parsed.success ? this.#keys.get(parsed.output.k) : undefined;
    if (!parsed.success || !key) return undefined;
    if (!verify(null, Buffer.from(text), key, Buffer.from(proof, "base64url"))) return undefined;
    if (this.#verified.size >= MAX_REMEMBERED) this.#verified.clear();
    this.#verified.set(token, parsed.output);
    return parsed.output;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
