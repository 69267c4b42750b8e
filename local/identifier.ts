import type { RandomSource } from "./service.ts";

/** A version 4 UUID, as AWS uses for request, message and event ids. */
export function uuid(random: RandomSource): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A name for a resource that the template leaves unnamed: stable, so that state is found again by it. */
export function physicalName(logicalId: string): string {
  return `atelier-${logicalId}`;
}
