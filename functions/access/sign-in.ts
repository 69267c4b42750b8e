/** GET /login/{provider}, GET /login/{provider}/callback, POST /logout. */
import { createHash } from "node:crypto";
import type { HttpAnswer, HttpEvent } from "#functions/runtime/aws-events.ts";
import { env } from "#functions/runtime/config.ts";
import { log } from "#functions/runtime/log.ts";
import { httpStatusOf, onHttp } from "#functions/runtime/middleware.ts";
import { randomText } from "#functions/runtime/random.ts";
import { AtelierError } from "#protocol/errors.ts";
import { forgetLogin, keepLogin, type PendingLogin, readLogin } from "./login-cookie.ts";
import { authorizationUrl, type Identity, identify } from "./openid-provider.ts";
import { page } from "./page.ts";
import { safeReturnPath } from "./return-path.ts";
import { endSession, startSession } from "./session.ts";
import { type User, upsertUser } from "./user-store.ts";

export const handler = onHttp(
  {
    env: [
      "TABLE_NAME",
      "ROOT_KEY_PARAMETER",
      "DASHBOARD_ORIGIN",
      "OIDC_PROVIDER",
      "OIDC_ISSUER",
      "OIDC_CLIENT_ID",
      "OIDC_CLIENT_SECRET_PARAMETER",
    ],
    onError: (error) =>
      page(httpStatusOf(error), "Sign-in did not work", error.message, [{ href: "/", text: "Back to Atelier" }]),
  },
  async (event) => {
    if (event.rawPath === "/logout") return signOut(event);
    const provider = event.pathParameters?.provider ?? "";
    if (provider !== env("OIDC_PROVIDER")) {
      throw new AtelierError("NOT_FOUND", "There is no such way to sign in here. Go back and use the button.");
    }
    return event.rawPath.endsWith("/callback") ? finish(event, provider) : begin(event, provider);
  },
);

async function begin(event: HttpEvent, provider: string): Promise<HttpAnswer> {
  const login: PendingLogin = {
    provider,
    returnPath: safeReturnPath(event.queryStringParameters?.return),
    state: randomText(128),
    nonce: randomText(128),
    verifier: randomText(256),
  };
  const hint = event.queryStringParameters?.login_hint;
  const location = await authorizationUrl(callbackOf(provider), login, hint);
  return redirect(location, [await keepLogin(login)]);
}

async function finish(event: HttpEvent, provider: string): Promise<HttpAnswer> {
  const login = await readLogin(event.cookies);
  const query = new URLSearchParams(event.rawQueryString);
  // Both are the same to the person: this answer belongs to no sign-in that this browser has under way.
  if (!login || login.provider !== provider || query.get("state") !== login.state) {
    return page(
      400,
      "This sign-in is over",
      "It took longer than ten minutes, was finished already, or began in another tab.",
      [{ href: `/login/${provider}`, text: "Sign in again" }],
    );
  }
  const callback = new URL(`${callbackOf(provider)}?${event.rawQueryString}`);
  const identity = await identify(callback, login);
  const user = userOf(identity);
  await upsertUser(user);
  log.info("Signed in.", { userId: user.id });
  return redirect(login.returnPath, [await startSession(user, randomText(128)), forgetLogin()]);
}

function signOut(event: HttpEvent): HttpAnswer {
  if (event.headers.origin !== env("DASHBOARD_ORIGIN")) {
    throw new AtelierError("PERMISSION_DENIED", "Signing out is asked for by the dashboard's own button only.");
  }
  return redirect("/", [endSession()]);
}

/** One person for one subject of one issuer, whatever name or address it has today. */
export function userOf(identity: Identity): User {
  const digest = createHash("sha256").update(`${identity.issuer}\0${identity.subject}`).digest();
  return {
    id: `u-${base32(digest).slice(0, 16)}`,
    name: identity.name.slice(0, 200),
    ...(identity.email === undefined ? {} : { email: identity.email.slice(0, 320) }),
  };
}

/** RFC 4648 in lower case, without padding. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five, 2)])
    .join("");
}

function callbackOf(provider: string): string {
  return `${env("DASHBOARD_ORIGIN")}/login/${provider}/callback`;
}

function redirect(location: string, cookies: string[]): HttpAnswer {
  return { statusCode: 303, headers: { location, "cache-control": "no-store" }, cookies };
}
