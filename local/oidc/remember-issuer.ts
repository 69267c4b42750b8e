import { findPortHolder } from "../front-door/find-port-holder.ts";
import type { ServiceContext } from "../service.ts";
import { openState } from "../state.ts";
import type { OidcProvider } from "./create-oidc-provider.ts";

/**
 * Starts the provider at the address that it had before: a person is known by issuer and subject together, so with another
 * port everybody would be somebody new, without workspaces.
 * @param preferredPort of the very first start; taken when it is free
 * @throws Error that says who has taken the port meanwhile
 */
export async function startRememberedProvider(
  context: ServiceContext,
  preferredPort: number,
  create: (port: number) => OidcProvider,
): Promise<OidcProvider> {
  const state = openState<{ port?: number }>(context.stateDirectory, "issuer", {});
  const provider = create(state.value.port ?? preferredPort);
  await provider.start();
  const port = Number(new URL(provider.issuer).port);
  const { port: remembered } = state.value;
  if (remembered !== undefined && remembered !== port) {
    await provider.stop();
    const holder = await findPortHolder(remembered);
    const who = holder === undefined ? "another program" : `${holder.program} (process ${holder.pid})`;
    throw new Error(
      `Port ${remembered}, where people sign in, is taken by ${who}. End it: at another port, nobody would be known again.`,
    );
  }
  if (remembered === undefined) {
    state.value.port = port;
    state.save();
  }
  return provider;
}
