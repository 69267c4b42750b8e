/** As much of WebCrypto as sessions need (HMAC), in one step: Node's own answers from another thread, in an order of its own. */
import { createHmac, timingSafeEqual, webcrypto } from "node:crypto";

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

const signatureSubtle = {
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

type Subtle = Record<string, (...values: unknown[]) => Promise<unknown>>;

/**
 * All of WebCrypto: HMAC as above, and the rest by Node, while time stands still.
 * @param hold stops the time until that is done
 */
export function simulatedSubtle(hold: (work: Promise<unknown>) => void): Subtle {
  return new Proxy(signatureSubtle as unknown as Subtle, {
    get:
      (ours, name: string) =>
      (...values: unknown[]): Promise<unknown> => {
        if (values.some(isOfHmac)) return Reflect.apply(ours[name] as Subtle[string], ours, values);
        const subtle = webcrypto.subtle as unknown as Subtle;
        const work = Reflect.apply(subtle[name] as Subtle[string], subtle, values);
        hold(work);
        return work;
      },
  });
}

/** An algorithm or one of our keys. */
function isOfHmac(value: unknown): boolean {
  const { name, bytes } = (value ?? {}) as { name?: string; bytes?: unknown };
  return name === "HMAC" || value === "HMAC" || (bytes !== undefined && (value as HmacKey).type === "secret");
}
