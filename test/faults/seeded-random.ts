import type { RandomSource } from "#local/service.ts";

/** Randomness that a seed decides: the same seed gives the same history. */
export class SeededRandom implements RandomSource {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** @param seed any text; histories use numbers, and parts of them add a name */
  constructor(...seed: readonly (string | number)[]) {
    this.restart(...seed);
  }

  /** From here on as if it had been made with this seed. */
  restart(...seed: readonly (string | number)[]): void {
    [this.#a = 0, this.#b = 0, this.#c = 0] = [0, 1, 2].map((salt) => hashText(`${salt}/${seed.join("/")}`));
    this.#counter = 1;
    for (let i = 0; i < 12; i += 1) this.uint32();
  }

  /** sfc32 (http://pracrand.sourceforge.net/), 32 bits at a time. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 (included) to 1 (not included). */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.ceil(length / 4) * 4);
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(this.uint32(), at);
    return bytes.subarray(0, length);
  }
}

/** FNV-1a and a final mix, so that neighbouring seeds have nothing in common. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
