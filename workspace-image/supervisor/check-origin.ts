/**
 * Which requests of a browser that holds a good token are still refused. Siblings are same-site: another workspace's page can send this
 * host's cookie along, so the cookie says who the person is, not which page asks.
 */
import type { IncomingHttpHeaders } from "node:http";

const SAFE_METHODS = new Set(["GET", "HEAD"]);

/**
 * @param ownOrigin `<scheme>://<Host>`
 * @param isPort a port's host may be shown in a frame of the IDE (a preview); the IDE itself may not
 * @returns why it is refused, or `undefined`
 */
export function refuseForeign(
  request: { method: string; headers: IncomingHttpHeaders; isUpgrade: boolean },
  ownOrigin: string,
  isPort: boolean,
): string | undefined {
  const { method, headers, isUpgrade } = request;
  if ((isUpgrade || !SAFE_METHODS.has(method)) && headers.origin !== ownOrigin) {
    return headers.origin === undefined
      ? "This needs a browser's Origin, and there is none."
      : `Pages of ${headers.origin} may not do this here.`;
  }
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return undefined;
  if (headers["sec-fetch-mode"] !== "navigate") return "Another site's page may not load this.";
  if (!isPort && headers["sec-fetch-dest"] !== "document") return "Another site's page may not show this in a frame.";
  return undefined;
}
