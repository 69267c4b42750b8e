/** Makes tickets and tokens; what they are stands in protocol/route-token.ts. */
import { createHmac } from "node:crypto";
import { deriveKey, signRoute } from "#functions/runtime/keys.ts";
import type { RoutePayload } from "#protocol/route-token.ts";

type Payload = Omit<RoutePayload, "t" | "k">;

/** `<payload>.<edge proof>` */
export async function mintTicket(fields: Payload): Promise<string> {
  return (await withEdgeProof("ticket", fields)).text;
}

/** `<payload>.<edge proof>.<supervisor proof>`, both under keys of the same generation. */
export async function mintToken(fields: Payload): Promise<string> {
  const { payload, text } = await withEdgeProof("token", fields);
  const { signature } = await signRoute(Buffer.from(payload));
  return `${text}.${signature.toString("base64url")}`;
}

async function withEdgeProof(t: RoutePayload["t"], fields: Payload): Promise<{ payload: string; text: string }> {
  const { id, key } = await deriveKey("atelier/edge");
  const payload = Buffer.from(JSON.stringify({ t, k: id, ...fields } satisfies RoutePayload)).toString("base64url");
  const proof = createHmac("sha256", key).update(payload).digest("base64url");
  return { payload, text: `${payload}.${proof}` };
}
