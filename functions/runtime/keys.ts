/** The deployment's keys. All derive from one root key, which is read from SSM and kept for five minutes. */
import { createCipheriv, createDecipheriv, sign } from "node:crypto";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { clock } from "./clock.ts";
import { env } from "./config.ts";
import { deriveFrom, ed25519FromSeed, type KeyPurpose, parseRootKey, publicHalf, type RootKey } from "./derive-keys.ts";
import { randomBytes } from "./random.ts";

const client = new SSMClient({});

/** Short enough that a rotation is everywhere while the previous generation is still good. */
const ROOT_KEY_AGE_MS = 5 * 60_000;
/** An unknown key id makes us look again at once, but not more often than this: anybody can send one. */
const MISS_AGE_MS = 10_000;

let cached: { root: Promise<RootKey>; at: number } | undefined;

/** A key with the generation that it is of. */
export interface Key {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** The key with which to sign or seal now. */
export async function deriveKey(purpose: KeyPurpose): Promise<Key> {
  const { current } = await rootKey(ROOT_KEY_AGE_MS);
  return { id: current.id, key: deriveFrom(current, purpose) };
}

/** The key with which something was signed or sealed; `undefined` when that generation is gone. */
export async function deriveKeyById(purpose: KeyPurpose, id: string): Promise<Buffer | undefined> {
  for (const age of [ROOT_KEY_AGE_MS, MISS_AGE_MS]) {
    const { current, previous } = await rootKey(age);
    const root = [current, previous].find((generation) => generation?.id === id);
    if (root) return deriveFrom(root, purpose);
  }
  return undefined;
}

/** Ed25519 over `data` under the current route key. */
export async function signRoute(data: Uint8Array): Promise<{ id: string; signature: Buffer }> {
  const { id, key } = await deriveKey("atelier/route");
  return { id, signature: sign(null, data, ed25519FromSeed(key)) };
}

/** Public halves (SPKI DER, base64url) of the route keys of both generations, by key id. */
export async function routePublicKeys(): Promise<Record<string, string>> {
  const { current, previous } = await rootKey(ROOT_KEY_AGE_MS);
  return Object.fromEntries(
    [current, ...(previous ? [previous] : [])].map((root) => [
      root.id,
      publicHalf(ed25519FromSeed(deriveFrom(root, "atelier/route"))),
    ]),
  );
}

/**
 * Seals a small secret with AES-256-GCM for keeping it in the table.
 * @param boundTo what it belongs to (a workspace id); it opens only with the same
 * @returns `<key id>.<nonce, tag and ciphertext, base64url>`
 */
export async function seal(purpose: KeyPurpose, plaintext: string, boundTo: string): Promise<string> {
  const { id, key } = await deriveKey(purpose);
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(boundTo));
  const sealed = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return `${id}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url")}`;
}

/** Opens what `seal` made; `undefined` when it was altered, is bound to something else, or its key is gone. */
export async function open(purpose: KeyPurpose, sealed: string, boundTo: string): Promise<string | undefined> {
  const dot = sealed.indexOf(".");
  const key = await deriveKeyById(purpose, sealed.slice(0, Math.max(0, dot)));
  const bytes = Buffer.from(sealed.slice(dot + 1), "base64url");
  if (!key || bytes.length < 28) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
  decipher.setAAD(Buffer.from(boundTo));
  decipher.setAuthTag(bytes.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

/** A parameter that is a secret of its own (the OpenID client's). Read each time: it is needed at sign-in only. */
export async function readSecretParameter(name: string): Promise<string> {
  const answer = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  const value = answer.Parameter?.Value;
  if (!value) throw new Error(`The parameter ${name} is empty.`);
  return value;
}

async function rootKey(maxAgeMs: number): Promise<RootKey> {
  if (!cached || clock.now() - cached.at >= maxAgeMs) {
    const entry = { root: readSecretParameter(env("ROOT_KEY_PARAMETER")).then(parseRootKey), at: clock.now() };
    cached = entry;
    entry.root.catch(() => {
      if (cached === entry) cached = undefined;
    });
  }
  return cached.root;
}
