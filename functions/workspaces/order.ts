/** Orders in which facts are joined: of two values one stays, and it does not matter which came first. */

/** The earliest of two; at the same instant the lesser text, so that the order in which they came does not matter. */
export function first<T extends { at: number }>(known: T | undefined, fact: T): T {
  if (known === undefined) return fact;
  return (known.at - fact.at || compare(canonical(known), canonical(fact))) <= 0 ? known : fact;
}

/** The greatest of two by `rank`; of equals the one with the greater text. */
export function greatest<T>(known: T | undefined, fact: T, rank: (of: T) => number): T {
  if (known === undefined) return fact;
  return (rank(known) - rank(fact) || compare(canonical(known), canonical(fact))) >= 0 ? known : fact;
}

export function earliest(a: number | undefined, b: number): number {
  return a === undefined ? b : Math.min(a, b);
}

/** The least of what is there. */
export function least(...values: (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** `{[name]: value}`, or nothing when there is no value: an absent attribute and an undefined one must not differ. */
export function optional<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T };
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => compare(a, b)))
      : inner,
  );
}
