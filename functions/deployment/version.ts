/** GET /version: what runs here, and how one signs in. Needs no session, so that the sign-in page can be drawn. */
import { env, optionalEnv } from "#functions/runtime/config.ts";
import { onHttp } from "#functions/runtime/middleware.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import packageFile from "../../package.json" with { type: "json" };

export const handler = onHttp({ env: ["OIDC_PROVIDER"] }, async () => ({
  statusCode: 200,
  headers: { "content-type": "application/json", "cache-control": "no-cache" },
  body: JSON.stringify({
    version: packageFile.version,
    protocolVersion: PROTOCOL_VERSION,
    /** Fingerprint of what was deployed; a dashboard of another one reloads itself. */
    release: optionalEnv("RELEASE") ?? "unknown",
    providers: [{ id: env("OIDC_PROVIDER"), name: optionalEnv("OIDC_PROVIDER_NAME") ?? env("OIDC_PROVIDER") }],
  }),
}));
