/**
 * Reads what people paste: URLs of Git repositories and of their pages at GitHub, GitLab, Bitbucket, Gitea, Azure DevOps and
 * any other host. Pure: it asks nobody, so which of several readings of `tree/feature/x/src` is right is left to who knows the refs.
 */
import type { Repository } from "./context.ts";
import { type ContextSelector, type FormMatch, matchForm } from "./context-forms.ts";
import { AtelierError } from "./errors.ts";

export type { ContextSelector } from "./context-forms.ts";

export interface ParsedContextUrl {
  readonly repository: Repository;
  readonly selector: ContextSelector;
  /** User name and password or token that stood in the URL. They are in nothing else of this object. */
  readonly credential?: { readonly username: string; readonly password: string };
  /** The same place without credentials, fragment and what does not matter. Reading it gives the same again. */
  readonly normalizedUrl: string;
}

/** @throws AtelierError CONTEXT_INVALID that says what is wrong and what to paste instead */
export function parseContextUrl(text: string): ParsedContextUrl {
  const url = toUrl(text.trim());
  const host = url.host.replace(/^www\.(?=github\.com$|gitlab\.com$)/, "");
  const match = matchForm({
    host,
    segments: url.pathname.split("/").filter((segment) => segment !== ""),
    query: url.searchParams,
  });
  const { name, owner } = nameOf(match, host);
  const origin = `${url.protocol}//${host}`;
  const query = match.query === undefined ? "" : `?${match.query}`;
  return {
    repository: { host, owner, name, cloneUrl: `${origin}/${match.clonePath}` },
    selector: match.selector,
    ...credentialOf(url),
    normalizedUrl: `${origin}/${match.pagePath}${query}`,
  };
}

function nameOf(match: FormMatch, host: string): { name: string; owner: string } {
  const { name } = match;
  if (name === "")
    throw invalid(`This URL names no repository of ${host}. Paste the address of the repository's page.`);
  return { name, owner: match.owner.join("/") };
}

function credentialOf(url: URL): Pick<ParsedContextUrl, "credential"> {
  if (url.username === "" && url.password === "") return {};
  return { credential: { username: decode(url.username), password: decode(url.password) } };
}

/** From all forms of addresses that Git understands to http(s). */
function toUrl(text: string): URL {
  if (text === "") throw invalid("Paste the URL of a Git repository.");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URL parsers drop some of them silently, so that another URL would be opened than was shown.
  if (/[\s\u0000-\u001f\u007f]/.test(text)) {
    throw invalid("This has spaces or line breaks in it. Paste one URL, with spaces written as %20.");
  }
  if (/^(file:|[./~\\]|[a-z]:[\\/])/i.test(text)) {
    throw invalid(
      "This is the path of a file. Atelier opens repositories that a Git server offers: paste its https URL.",
    );
  }
  const url = URL.parse(withScheme(text));
  if (!url || url.hostname === "") throw invalid("This is not a URL. Paste one like https://github.com/acme/shop.");
  return url;
}

function withScheme(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") return text;
  if (scheme === "ssh" || scheme === "git+ssh" || scheme === "ssh+git")
    return overHttps(URL.parse(text.replace(/^[^:]+/, "ssh")));
  if (scheme !== undefined) {
    throw invalid(`Atelier does not open ${scheme}: addresses. Paste the repository's https URL.`);
  }
  // User name and password before a host: what stands before the colon is no host of SSH, and must not be sent a token.
  const isLogin = /^[^@/:]+:[^/]*@[^@/]+(?:\/|$)/.test(text);
  const scp = isLogin ? null : /^(?:[^@/:]+@)?([^@/:]+):(?!\d+(?:\/|$))\/?(.+)$/.exec(text);
  if (scp && (text.includes("@") || scp[1]?.includes("."))) return overHttps(URL.parse(`ssh://${scp[1]}/${scp[2]}`));
  const host = /^(?:[^/]*@)?([^/:]+|\[[^\]]+\])(:\d+)?(?=\/|$)/.exec(text)?.[1] ?? "";
  if (/^(localhost|127\.[\d.]+|\[::1\])$/i.test(host)) return `http://${text}`;
  if (/^[^.]+(\.[^.]+)+$/.test(host) || host.startsWith("[")) return `https://${text}`;
  const unknown = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (unknown) throw invalid(`Atelier does not open ${unknown}: addresses. Paste the repository's https URL.`);
  if (/^[\w.-]+\/[\w.-]+$/.test(text)) {
    throw invalid(`The host is missing. Did you mean https://github.com/${text}?`);
  }
  throw invalid("This is not a URL. Paste one like https://github.com/acme/shop.");
}

/** SSH keys are not ours to use; the same repository is nearly always there by https. The port is SSH's and says nothing of https. */
function overHttps(url: URL | null): string {
  if (!url || url.hostname === "")
    throw invalid("This is not an address that Git understands. Paste the repository's https URL.");
  if (url.hostname === "ssh.dev.azure.com") {
    const [, , organization, project, repository] = url.pathname.split("/");
    return `https://dev.azure.com/${organization}/${project}/_git/${repository}`;
  }
  return `https://${url.hostname}${url.pathname}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalid(message: string): AtelierError {
  return new AtelierError("CONTEXT_INVALID", message, { path: "contextUrl" });
}
