/** Reads an address of a workspace or of one of its ports. Pure. */
import { parseHostLabel } from "#protocol/ids.ts";
import type { Site } from "./site.ts";

export interface WorkspaceUrl {
  workspaceId: string;
  port?: number;
  /** With query, without fragment; begins with one slash. */
  path: string;
  /** The same address, normalised. */
  url: string;
}

/** @returns `undefined` for whatever is not exactly scheme, host label and suffix of this deployment: nobody is sent elsewhere */
export function parseWorkspaceUrl(
  text: string,
  { scheme, hostSuffix }: Pick<Site, "scheme" | "hostSuffix">,
): WorkspaceUrl | undefined {
  const url = text.length <= 4_096 ? URL.parse(text) : null;
  if (!url || url.protocol !== scheme || url.username || url.password || !url.host.endsWith(hostSuffix))
    return undefined;
  const label = parseHostLabel(url.host.slice(0, -hostSuffix.length));
  if (!label) return undefined;
  // `//other.example` as a path would be another host, were it resolved against this one.
  const path = `${url.pathname.replace(/^\/+/, "/")}${url.search}`;
  return { ...label, path, url: `${url.origin}${path}` };
}
