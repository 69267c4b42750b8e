/** As much of WebCrypto as sessions need (HMAC), in one step: Node's own answers from another thread, in an order of its own. */
import { createHmac, timingSafeEqual } from "node:crypto";

interface HmacKey {
  readonly type: "secret";
  readonly algorithm: { readonly name: "HMAC"; readonly hash: { readonly name: string } };
  readonly extractable: boolean;
  readonly usages: readonly string[];
  readonly bytes: Uint8Array;
}

function mac({ algorithm, bytes }: HmacKey, data: Uint8Array): Buffer {
  return createHmac(algorithm.hash.name.replace("SHA-", "sha"), bytes).update(data).digest();
}

export const signatureSubtle = {
  async importKey(
    format: string,
    bytes: Uint8Array,
    { name, hash }: { name: string; hash: string | { name: string } },
    extractable: boolean,
    usages: readonly string[],
  ): Promise<HmacKey> {
    if (format !== "raw" || name !== "HMAC") throw new Error(`${format} keys of ${name} are not simulated.`);
    const algorithm = { name, hash: typeof hash === "string" ? { name: hash } : hash } as const;
    return { type: "secret", algorithm, extractable, usages, bytes: Uint8Array.from(bytes) };
  },
  async sign(_algorithm: unknown, key: HmacKey, data: Uint8Array): Promise<ArrayBuffer> {
    return Uint8Array.from(mac(key, data)).buffer;
  },
  async verify(_algorithm: unknown, key: HmacKey, signature: Uint8Array, data: Uint8Array): Promise<boolean> {
    const expected = mac(key, data);
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  },
};
