/** The session cookie: a signed statement of who signed in. Nothing of it is stored. */
import { decodeProtectedHeader, jwtVerify, SignJWT } from "jose";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { deriveKey, deriveKeyById } from "#functions/runtime/keys.ts";
import { readCookies, setCookie } from "./cookies.ts";
import type { User } from "./user-store.ts";

export const SESSION_COOKIE = "atelier_session";
const LIFETIME_SECONDS = 12 * 3_600;

export interface Session {
  userId: string;
  name: string;
  email?: string;
  sessionId: string;
}

/** The `Set-Cookie` value that signs a person in, for 12 hours. */
export async function startSession(user: User, sessionId: string): Promise<string> {
  const { id, key } = await deriveKey("atelier/session");
  const now = toSeconds(clock.now());
  const token = await new SignJWT({ name: user.name, email: user.email, sid: sessionId })
    .setProtectedHeader({ alg: "HS256", kid: id })
    .setSubject(user.id)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME_SECONDS)
    .sign(key);
  return setCookie(SESSION_COOKIE, token, { path: "/", maxAgeSeconds: LIFETIME_SECONDS });
}

/** The `Set-Cookie` value that signs a person out. */
export function endSession(): string {
  return setCookie(SESSION_COOKIE, "", { path: "/", maxAgeSeconds: 0 });
}

/**
 * Who is signed in, by a `Cookie` header or the `cookies` of an HTTP event. `undefined` for nobody: no cookie, an altered one,
 * an old one, or one of a key that is gone.
 */
export async function readSession(cookies: string | readonly string[] | undefined): Promise<Session | undefined> {
  for (const token of readCookies(cookies, SESSION_COOKIE)) {
    const session = await verify(token);
    if (session) return session;
  }
  return undefined;
}

async function verify(token: string): Promise<Session | undefined> {
  const key = await keyOf(token);
  if (!key) return undefined;
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      currentDate: new Date(clock.now()),
      requiredClaims: ["sub", "sid", "exp"],
    });
    return {
      userId: String(payload.sub),
      name: String(payload.name),
      ...(typeof payload.email === "string" ? { email: payload.email } : {}),
      sessionId: String(payload.sid),
    };
  } catch {
    return undefined;
  }
}

async function keyOf(token: string): Promise<Buffer | undefined> {
  let kid: string | undefined;
  try {
    kid = decodeProtectedHeader(token).kid;
  } catch {
    // Not a token at all.
  }
  return kid === undefined ? undefined : deriveKeyById("atelier/session", kid);
}
