/** Reads and writes cookies of the dashboard's origin. */
import { env } from "#functions/runtime/config.ts";

/** All values that a cookie name has: a browser sends several when their paths or domains differ. */
export function readCookies(cookies: string | readonly string[] | undefined, name: string): string[] {
  const pairs = (typeof cookies === "string" ? [cookies] : (cookies ?? [])).flatMap((line) => line.split(";"));
  return pairs
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** A `Set-Cookie` value: HttpOnly, SameSite=Lax, this host only, and Secure exactly when the dashboard is https. */
export function setCookie(name: string, value: string, options: { path: string; maxAgeSeconds: number }): string {
  const secure = env("DASHBOARD_ORIGIN").startsWith("https:") ? "; Secure" : "";
  return `${name}=${value}; Path=${options.path}; Max-Age=${options.maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}
