/** Nested properties have no place in a provider's list; this says the same of them: executed, inert, or refused. */
export function checkKeys(where: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${where} is not an object.`);
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other) throw new Error(`${where}.${other} is not modelled.`);
}
