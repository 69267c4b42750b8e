import { createHash } from "node:crypto";

/**
 * Ids that AWS would draw at random, derived from the account and the logical id: the same after every start, so that nothing needs
 * to be stored. They are no secrets on AWS either.
 */
export function derivedId(
  context: { readonly accountId: string; readonly region: string },
  logicalId: string,
  shape: "uuid" | "distribution" | "domain",
): string {
  const hex = createHash("sha256").update(`${context.accountId}/${context.region}/${logicalId}`).digest("hex");
  if (shape === "distribution") return `E${hex.slice(0, 13).toUpperCase()}`;
  if (shape === "domain") return `d${hex.slice(0, 13)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
