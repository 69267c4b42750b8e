/** What the address bar's hash means. */
import { INSTANCE_ID, WORKSPACE_ID } from "#protocol/ids.ts";

export type Route =
  | { readonly page: "first" }
  /** A context URL, without credentials. */
  | { readonly page: "url"; readonly contextUrl: string }
  | { readonly page: "workspace"; readonly id: string }
  /** Where the time of a run went. */
  | { readonly page: "trace"; readonly instanceId: string }
  | { readonly page: "missing" };

/** @param hash with or without its `#` */
export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, "").trim();
  if (text === "" || text === "/") return { page: "first" };
  if (text.startsWith("/")) {
    const [, page, id = ""] = /^\/(start|trace)\/([^/]+)\/?$/.exec(text) ?? [];
    if (page === "start" && WORKSPACE_ID.test(id)) return { page: "workspace", id };
    if (page === "trace" && INSTANCE_ID.test(id)) return { page: "trace", instanceId: id };
    return { page: "missing" };
  }
  return { page: "url", contextUrl: decodeWhole(text) };
}

export function workspaceHash(id: string): string {
  return `#/start/${id}`;
}

export function traceHash(instanceId: string): string {
  return `#/trace/${instanceId}`;
}

export function urlHash(contextUrl: string): string {
  return `#${contextUrl}`;
}

/** A URL that was encoded as a whole (`https%3A%2F%2F…`); escapes inside of a plain URL belong to it. */
function decodeWhole(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*%3a%2f%2f/i.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
