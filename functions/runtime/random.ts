/** The only source of randomness, so that a simulated history can be replayed from its seed. */
import { randomBytes as cryptoBytes } from "node:crypto";

interface RandomSource {
  bytes(length: number): Buffer;
}

let source: RandomSource = { bytes: cryptoBytes };

/** Puts another source in the place of the machine's. @returns what puts the old one back */
export function setRandomSource(replacement: RandomSource): () => void {
  const before = source;
  source = replacement;
  return () => {
    source = before;
  };
}

export function randomBytes(length: number): Buffer {
  return source.bytes(length);
}

/** base64url text of so many random bits (a multiple of 8; 128 for tickets, 256 for secrets). */
export function randomText(bits: number): string {
  return source.bytes(bits / 8).toString("base64url");
}

/** The alphabet of RFC 4648's base32 in lower case: 32 letters, so that 5 bits of a byte pick one without bias. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** So many of `a-z2-7`, 5 bits each. */
export function randomLetters(count: number): string {
  return Array.from(source.bytes(count), (byte) => LETTERS[byte & 31]).join("");
}

/** One of a list, without bias. */
export function pick<T>(list: readonly T[]): T {
  if (list.length === 0) throw new Error("There is nothing to pick from.");
  const limit = 2 ** 32 - (2 ** 32 % list.length);
  for (;;) {
    const number = source.bytes(4).readUInt32BE();
    if (number < limit) return list[number % list.length] as T;
  }
}
