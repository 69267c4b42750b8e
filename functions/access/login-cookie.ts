/** What must survive the trip to the identity provider and back. It rests in the browser, encrypted; the server keeps nothing. */
import { EncryptJWT, jwtDecrypt } from "jose";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { deriveKey, deriveKeyById } from "#functions/runtime/keys.ts";
import { readCookies, setCookie } from "./cookies.ts";

const NAME = "atelier_login";
const LIFETIME_SECONDS = 600;
/** Sent to `/login/...` only. */
const PATH = "/login";

export interface PendingLogin {
  provider: string;
  state: string;
  nonce: string;
  /** PKCE's secret. */
  verifier: string;
  returnPath: string;
}

/** @returns the `Set-Cookie` value; good for ten minutes */
export async function keepLogin(login: PendingLogin): Promise<string> {
  const { id, key } = await deriveKey("atelier/login");
  const sealed = await new EncryptJWT({ ...login })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: id })
    .setExpirationTime(toSeconds(clock.now()) + LIFETIME_SECONDS)
    .encrypt(key);
  return setCookie(NAME, sealed, { path: PATH, maxAgeSeconds: LIFETIME_SECONDS });
}

/** @returns the `Set-Cookie` value that forgets it */
export function forgetLogin(): string {
  return setCookie(NAME, "", { path: PATH, maxAgeSeconds: 0 });
}

/** @returns `undefined` when there is none, or it is altered or too old */
export async function readLogin(cookies: readonly string[] | undefined): Promise<PendingLogin | undefined> {
  for (const sealed of readCookies(cookies, NAME)) {
    try {
      const { payload } = await jwtDecrypt(
        sealed,
        async ({ kid }) => {
          const key = await deriveKeyById("atelier/login", kid ?? "");
          if (!key) throw new Error("This key is gone.");
          return key;
        },
        {
          currentDate: new Date(clock.now()),
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
        },
      );
      return payload as unknown as PendingLogin;
    } catch {
      // Another of the same name may be good.
    }
  }
  return undefined;
}
