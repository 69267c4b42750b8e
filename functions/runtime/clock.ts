/** The only place that reads time, so that a test or a simulated history can hold it. */

interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

let source: Clock = Date;

export const clock: Clock = { now: () => source.now() };

/** Puts another clock in the place of the machine's. @returns what puts the old one back */
export function setClock(replacement: Clock): () => void {
  const before = source;
  source = replacement;
  return () => {
    source = before;
  };
}

/** @param ms since 1970 @returns ISO 8601 in UTC with milliseconds */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

/** @param ms since 1970 @returns whole seconds, as DynamoDB's TTL and JWTs count them */
export function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
