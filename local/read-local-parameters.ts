import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Addresses, OpenIdClient } from "./cloud.ts";

/** What the product says of its local run, in `infra/local-parameters.json`: the embedded cloud knows none of it. */
export interface LocalParameters {
  parameters(addresses: Addresses): Record<string, string>;
  readonly openIdClient: OpenIdClient;
  /** Absolute folder of the synthesized template. */
  readonly synthesized: string;
  /** Absolute file that says what stands in for container images. */
  readonly processImage: string;
}

interface LocalParametersFile {
  readonly parameters: Readonly<Record<string, string>>;
  readonly openIdClient: {
    readonly id: string;
    readonly secretParameter: string;
    readonly redirectUris: readonly string[];
  };
  readonly synthesized: string;
  readonly processImage: string;
}

/** `${PORT}` and `${OIDC_ISSUER}` stand for what is known only at start. */
export function readLocalParameters(root: string): LocalParameters {
  const file = JSON.parse(readFileSync(join(root, "infra/local-parameters.json"), "utf8")) as LocalParametersFile;
  const { openIdClient } = file;
  return {
    parameters: ({ port, issuer }) =>
      Object.fromEntries(Object.entries(file.parameters).map(([name, value]) => [name, fill(value, port, issuer)])),
    openIdClient: {
      id: openIdClient.id,
      secretParameter: openIdClient.secretParameter,
      redirectUris: (port) => openIdClient.redirectUris.map((uri) => fill(uri, port, "")),
    },
    synthesized: join(root, file.synthesized),
    processImage: join(root, file.processImage),
  };
}

function fill(value: string, port: number, issuer: string): string {
  return value.replace(/\$\{(PORT|OIDC_ISSUER)\}/g, (_match, name) => (name === "PORT" ? String(port) : issuer));
}
