/** From the root key to all others: pure, for the function that makes keys and for those that use them. */
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";

/** One generation of the root key. */
export interface RootSecret {
  id: string;
  /** 32 random bytes, base64url. */
  secret: string;
}

/** What the parameter holds, as JSON. Two generations, so that what was signed before a rotation stays good. */
export interface RootKey {
  current: RootSecret;
  previous?: RootSecret;
}

/** What a key is for; the `info` of HKDF. */
export type KeyPurpose =
  | "atelier/session"
  | "atelier/login"
  | "atelier/launch"
  | "atelier/edge"
  | "atelier/route"
  | "atelier/git-credential";

/** @throws Error when the text is no root key; the message holds nothing of it */
export function parseRootKey(text: string): RootKey {
  let parsed: Partial<RootKey> | undefined;
  try {
    parsed = JSON.parse(text) as Partial<RootKey>;
  } catch {
    // The parser's message quotes the text, so it must not become the cause.
  }
  const good = isRootSecret(parsed?.current) && (parsed?.previous === undefined || isRootSecret(parsed.previous));
  if (!good) {
    throw new Error("The root key parameter holds no root key. Deploy again, so that make-keys writes one.");
  }
  return parsed as RootKey;
}

function isRootSecret(value: RootSecret | undefined): boolean {
  return typeof value?.id === "string" && Buffer.from(value.secret ?? "", "base64url").length === 32;
}

/** HKDF-SHA256 (RFC 5869) with empty salt: 32 bytes. */
export function deriveFrom(root: RootSecret, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync("sha256", Buffer.from(root.secret, "base64url"), Buffer.alloc(0), purpose, 32));
}

/** PKCS #8 of an Ed25519 private key is this prefix and the seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** @param seed 32 bytes */
export function ed25519FromSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

/** @returns SPKI DER, base64url */
export function publicHalf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64url");
}
