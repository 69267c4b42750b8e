/** Who calls over HTTP. A page of another origin is nobody, whatever its browser sends along. */
import { readSession } from "#functions/access/session.ts";
import type { HttpEvent } from "#functions/runtime/aws-events.ts";
import { env } from "#functions/runtime/config.ts";
import { AtelierError } from "#protocol/errors.ts";
import type { InstanceCall } from "./call.ts";
import type { Call } from "./router.ts";

/**
 * - `Authorization: Bearer`: a machine; no `Origin` may stand beside it, since no page has any business with it.
 * - session cookie: a person; `Origin` must be the dashboard's. Without `Origin` it must not come from another site
 *   (`Sec-Fetch-Site`; programs that are no browsers send neither).
 * @throws AtelierError PERMISSION_DENIED (wrong origin), UNAUTHENTICATED (a bearer that is not good)
 */
export async function authenticate(
  event: Pick<HttpEvent, "headers" | "cookies">,
  authenticateInstance: (bearer: string) => Promise<InstanceCall>,
): Promise<Call> {
  const { origin, authorization, "sec-fetch-site": site } = event.headers;
  if (authorization !== undefined) {
    if (origin !== undefined) {
      throw new AtelierError("PERMISSION_DENIED", "A call with a bearer must not come from a web page.");
    }
    return authenticateInstance(bearerOf(authorization));
  }
  const foreign =
    origin === undefined ? site !== undefined && site !== "same-origin" : origin !== env("DASHBOARD_ORIGIN");
  if (foreign)
    throw new AtelierError(
      "PERMISSION_DENIED",
      `Calls from other origins are refused. Use ${env("DASHBOARD_ORIGIN")}.`,
    );
  const session = await readSession(event.cookies);
  return session ? { kind: "user", ...session } : { kind: "anonymous" };
}

/** @throws AtelierError UNAUTHENTICATED */
export function bearerOf(authorization: string): string {
  const bearer = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(authorization)?.[1];
  if (bearer === undefined) {
    throw new AtelierError("UNAUTHENTICATED", "Authorization must be: Bearer <token>.");
  }
  return bearer;
}
