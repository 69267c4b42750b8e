import { createHash } from "node:crypto";
import type { Deployed, ResourceProvider } from "../service.ts";

/** A type without local effect, its reason, and what `Ref` and `Fn::GetAtt` give of it. */
export function inert(
  reason: string,
  describe: (logicalId: string, properties: Readonly<Record<string, unknown>>) => Deployed,
): ResourceProvider {
  return {
    properties: { "*": { inert: reason } },
    deploy: async (logicalId, properties) => describe(logicalId, properties),
  };
}

/** An id as EC2 makes them: `vpc-0123456789abcdef0`, always the same for one logical id. */
export function stableId(prefix: string, logicalId: string): string {
  return `${prefix}-0${createHash("sha256").update(logicalId).digest("hex").slice(0, 16)}`;
}
