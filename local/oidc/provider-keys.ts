import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { ServiceContext } from "#local/service.ts";
import { openState } from "#local/state.ts";

export interface ProviderKeys {
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
  /** Signs the provider's own cookies. */
  readonly cookieKey: string;
}

/** Made once and kept, so that what was signed before a restart is still good after it. */
export async function openProviderKeys(context: ServiceContext): Promise<ProviderKeys> {
  const state = openState<ProviderKeys | undefined>(context.stateDirectory, "keys", undefined);
  if (state.value) return state.value;
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2_048 });
  const jwk = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" };
  state.value = { jwks: { keys: [jwk] }, cookieKey: context.random.bytes(32).toString("base64url") };
  state.save();
  return state.value;
}
