/** The company's identity provider, by OpenID Connect (authorization code with PKCE, state and nonce). */
import * as openid from "openid-client";
import { clock } from "#functions/runtime/clock.ts";
import { env } from "#functions/runtime/config.ts";
import { readSecretParameter } from "#functions/runtime/keys.ts";
import { AtelierError } from "#protocol/errors.ts";

/** Who somebody is, in the words of the provider. */
export interface Identity {
  issuer: string;
  subject: string;
  name: string;
  email?: string;
}

/** The secrets of one sign-in. */
export interface SignInChecks {
  state: string;
  nonce: string;
  verifier: string;
}

const TIMEOUT_SECONDS = 10;
/** A provider's keys and endpoints change rarely; its client secret may be rotated. */
const CONFIGURATION_AGE_MS = 10 * 60_000;

let cached: { configuration: Promise<openid.Configuration>; at: number } | undefined;

/** The URL of the provider's page. @param loginHint who wants to sign in, if that is known */
export async function authorizationUrl(redirectUri: string, checks: SignInChecks, loginHint?: string): Promise<string> {
  const url = openid.buildAuthorizationUrl(await configuration(), {
    redirect_uri: redirectUri,
    scope: "openid profile email",
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: "S256",
    ...(loginHint ? { login_hint: loginHint } : {}),
  });
  return url.href;
}

/**
 * Trades the code that the provider sent the browser back with for who it is.
 * @throws AtelierError PERMISSION_DENIED (the provider or the person said no), UNAUTHENTICATED (a check failed), UNAVAILABLE
 */
export async function identify(callback: URL, checks: SignInChecks): Promise<Identity> {
  const config = await configuration();
  try {
    const tokens = await openid.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: checks.verifier,
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims) throw new Error("The provider sent no ID token.");
    // Providers may keep a person's name and address out of the token.
    const more =
      claims.name === undefined && config.serverMetadata().userinfo_endpoint
        ? await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
        : {};
    return describe(claims.iss, claims.sub, { ...claims, ...more });
  } catch (cause) {
    throw explain(cause);
  }
}

function describe(issuer: string, subject: string, claims: Record<string, unknown>): Identity {
  const text = (name: string) => (typeof claims[name] === "string" && claims[name] !== "" ? claims[name] : undefined);
  const email = text("email");
  const name = text("name") ?? text("preferred_username") ?? text("nickname") ?? email ?? subject;
  return { issuer, subject, name, ...(email === undefined ? {} : { email }) };
}

function explain(cause: unknown): AtelierError {
  if (cause instanceof openid.AuthorizationResponseError) {
    const why = cause.error_description ?? cause.error;
    return new AtelierError("PERMISSION_DENIED", `The identity provider did not sign you in: ${why}.`, { cause });
  }
  if (isUnreachable(cause)) return unreachable(cause);
  return new AtelierError("UNAUTHENTICATED", "This sign-in could not be confirmed. Start again.", { cause });
}

async function configuration(): Promise<openid.Configuration> {
  if (!cached || clock.now() - cached.at >= CONFIGURATION_AGE_MS) {
    const entry = { configuration: discover(), at: clock.now() };
    cached = entry;
    entry.configuration.catch(() => {
      if (cached === entry) cached = undefined;
    });
  }
  try {
    return await cached.configuration;
  } catch (cause) {
    throw isUnreachable(cause) || cause instanceof openid.ClientError ? unreachable(cause) : cause;
  }
}

async function discover(): Promise<openid.Configuration> {
  const issuer = new URL(env("OIDC_ISSUER"));
  const secret = await readSecretParameter(env("OIDC_CLIENT_SECRET_PARAMETER"));
  return openid.discovery(
    issuer,
    env("OIDC_CLIENT_ID"),
    { [openid.clockTolerance]: 30 },
    openid.ClientSecretBasic(secret),
    {
      timeout: TIMEOUT_SECONDS,
      execute: mayBePlain(issuer) ? [openid.allowInsecureRequests] : [],
    },
  );
}

/** Only what never leaves the machine may go without TLS. @throws Error for any other plain issuer */
export function mayBePlain(issuer: URL): boolean {
  if (issuer.protocol === "https:") return false;
  const loopback = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(issuer.hostname);
  if (issuer.protocol === "http:" && loopback) return true;
  throw new Error(
    `The identity provider's address must begin with https: ${issuer.origin}. Correct the parameter OidcIssuer.`,
  );
}

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: string }).code ?? "";
  const network = error instanceof TypeError && error.message === "fetch failed";
  return network || code === "OAUTH_TIMEOUT" || code === "OAUTH_RESPONSE_IS_NOT_CONFORM" || isUnreachable(error.cause);
}

function unreachable(cause: unknown): AtelierError {
  return new AtelierError(
    "UNAVAILABLE",
    `The identity provider ${new URL(env("OIDC_ISSUER")).host} does not answer as it should. Try again in a minute.`,
    { cause },
  );
}
