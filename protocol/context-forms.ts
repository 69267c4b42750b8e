/** The forms that URLs of Git hosts have: where the repository ends, and what the rest means. */
import { AtelierError } from "./errors.ts";

/** Which commit a URL asks for. */
export type ContextSelector =
  /** What the repository's HEAD names. */
  | { readonly kind: "default"; readonly path: string }
  /** A branch or tag whose name is the first one or more of these, then a path. The longest name that exists is meant. */
  | { readonly kind: "segments"; readonly segments: readonly string[] }
  /** A branch or else a tag of exactly this name. */
  | { readonly kind: "name"; readonly name: string; readonly path: string }
  /** Exactly this ref: `refs/heads/x`, `refs/tags/v1`, `refs/pull/7/head`. */
  | { readonly kind: "ref"; readonly ref: string; readonly path: string }
  /** 40 or 64 hexadecimal digits. */
  | { readonly kind: "commit"; readonly commit: string; readonly path: string };

export interface Location {
  readonly host: string;
  /** Not empty, as they stand in the URL (percent-encoded). */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

export interface FormMatch {
  readonly owner: readonly string[];
  /** Without `.git`. */
  readonly name: string;
  /** Encoded, without leading slash. */
  readonly clonePath: string;
  readonly pagePath: string;
  /** The part of the query that matters. */
  readonly query?: string;
  readonly selector: ContextSelector;
}

type Family = "github" | "gitlab" | "bitbucket" | "bitbucket-server" | "gitea" | "azure" | "any";

/** Words that begin a page of a repository on one host or another. */
const PAGE_WORDS = new Set(
  (
    "- tree blob raw blame edit commit commits src branch branches tag tags releases pull pulls pull-requests merge_requests " +
    "issues browse compare"
  ).split(" "),
);
const FULL_HASH = /^([0-9a-f]{40}|[0-9a-f]{64})$/i;

/** @throws AtelierError CONTEXT_INVALID */
export function matchForm(location: Location): FormMatch {
  const match = interpret(location);
  const query = new URLSearchParams(match.query);
  const asGiven = { ...match, pagePath: location.segments.join("/") };
  try {
    const again = interpret({ ...location, segments: match.pagePath.split("/"), query });
    return JSON.stringify(again) === JSON.stringify(match) ? match : asGiven;
  } catch {
    // The short form is no form of its own.
    return asGiven;
  }
}

function interpret(location: Location): FormMatch {
  const { host, segments, query } = location;
  const family = familyOf(host, segments);
  const azure = family === "azure" ? azureForm(segments) : undefined;
  const end = azure?.end ?? repositoryEnd(host, segments, family);
  const repository = azure?.full ?? segments.slice(0, end);
  const rest = segments.slice(end).flatMap(decodeSegment);
  const selected = selectByQuery(rest, query, family) ?? { selector: select(rest, family) };
  const [name = "", ...owner] = repository.flatMap(decodeSegment).reverse();
  const written = repository.join("/");
  const bare = written.replace(/\.git$/, "");
  // The big hosts have one address for a repository, however it was written; others may know only the one that was given.
  const known = family !== "any" && family !== "azure";
  const clonePath = serverClonePath(repository) ?? (known ? `${bare}.git` : written);
  const pagePath = [known ? bare : written, ...segments.slice(end)].join("/");
  return {
    owner: ownerOf(owner.reverse(), family),
    name: name.replace(/\.git$/, ""),
    clonePath,
    pagePath,
    ...selected,
  };
}

function familyOf(host: string, segments: readonly string[]): Family {
  if (host === "dev.azure.com") return "azure";
  if (host === "bitbucket.org") return "bitbucket";
  if (/^github\./.test(host)) return "github";
  if (host === "codeberg.org" || /^(gitea|forgejo)\./.test(host)) return "gitea";
  if (serverRepository(segments) !== undefined || (segments[0] === "scm" && segments.length >= 3))
    return "bitbucket-server";
  if (/^gitlab\./.test(host) || segments.indexOf("-") > 1) return "gitlab";
  return "any";
}

/** How many segments the repository has. */
function repositoryEnd(host: string, segments: readonly string[], family: Family): number {
  if (family === "github" || family === "bitbucket" || family === "gitea") return atLeast(2, segments, host);
  const server = serverRepository(segments);
  if (server !== undefined) return server;
  const dash = segments.indexOf("-");
  const dotGit = segments.findIndex((segment) => /.\.git$/.test(segment));
  if (dotGit >= 0 && (dash < 2 || dotGit < dash)) return dotGit + 1;
  if (dash > 1) return dash;
  const isPage = (segment: string, index: number) => PAGE_WORDS.has(segment) && index + 1 < segments.length;
  const page = segments.findIndex((segment, index) => index >= 2 && isPage(segment, index));
  if (page >= 0) return page;
  if (family === "gitlab") return Math.max(2, atLeast(2, segments, host), segments.length);
  const early = segments.findIndex((segment, index) => index === 1 && segments.length > 2 && isPage(segment, index));
  return early >= 0 ? early : atLeast(1, segments, host, segments.length);
}

function atLeast(count: number, segments: readonly string[], host: string, end = count): number {
  if (segments.length >= count) return end;
  const example = count === 1 ? `https://${host}/<repository>` : `https://${host}/<owner>/<repository>`;
  throw invalid(`This URL names no repository. Paste one like ${example}.`);
}

/** Bitbucket Server: `projects/<key>/repos/<name>` or `users/<name>/repos/<name>`, below any prefix. @returns its end */
function serverRepository(segments: readonly string[]): number | undefined {
  const repos = segments.findIndex(
    (segment, index) => segment === "repos" && /^(projects|users)$/.test(segments[index - 2] ?? ""),
  );
  return repos >= 0 && segments.length > repos + 1 ? repos + 2 : undefined;
}

function serverClonePath(repository: readonly string[]): string | undefined {
  if (serverRepository(repository) !== repository.length) return undefined;
  const [kind, key = "", , name] = repository.slice(-4);
  const owner = kind === "users" ? `~${key}` : key.toLowerCase();
  return [...repository.slice(0, -4), "scm", owner, `${name}.git`].join("/");
}

/** `<organization>/<project>/_git/<repository>`; a project's own repository may be named without either half. */
function azureForm(segments: readonly string[]): { end: number; full: readonly string[] } {
  const git = segments.indexOf("_git");
  if (git >= 1 && segments.length > git + 1) {
    const project = segments.slice(0, git).length === 1 ? [segments[git + 1] ?? ""] : [];
    return { end: git + 2, full: [...segments.slice(0, git), ...project, ...segments.slice(git, git + 2)] };
  }
  const end = atLeast(2, segments, "dev.azure.com");
  return { end, full: [...segments.slice(0, 2), "_git", segments[1] ?? ""] };
}

function ownerOf(owner: readonly string[], family: Family): readonly string[] {
  if (family === "azure") return owner.filter((segment) => segment !== "_git");
  if (family !== "bitbucket-server") return owner;
  const named = owner.filter((segment) => !/^(scm|projects|users|repos)$/.test(segment));
  return named.map((segment) => segment.replace(/^~/, ""));
}

/** What the path behind the repository means. */
function select(rest: readonly string[], family: Family): ContextSelector {
  const [page, ...words] = rest;
  const [first = "", ...others] = words;
  switch (page) {
    case "-":
      return select(words, family);
    case "tree":
    case "blob":
    case "raw":
    case "blame":
    case "edit":
      return bySegments(words);
    case "src":
    case "commits":
      if (family !== "github" && family !== "gitlab" && others.length > 0) {
        if (first === "branch" && page === "src") return bySegments(others);
        if (first === "branch") return byRef("refs/heads/", others);
        if (first === "tag") return page === "src" ? bySegments(others) : byRef("refs/tags/", others);
        if (first === "commit") return bySegments(others);
      }
      return bySegments(words);
    case "commit":
      return bySegments(words.slice(0, 1));
    case "releases":
      return first === "tag" && others.length > 0 ? byRef("refs/tags/", others) : byDefault();
    case "tag":
    case "tags":
      return words.length > 0 ? byRef("refs/tags/", words) : byDefault();
    case "branch":
      return words.length > 0 ? byRef("refs/heads/", words) : byDefault();
    case "pull":
    case "pulls":
    case "merge_requests":
    case "pull-requests":
      return byPullRequest(page, first, family);
    case "browse":
      return byDefault(words.join("/"));
    default:
      // Issues, settings, wikis: pages of the repository that name no commit.
      return byDefault();
  }
}

function byPullRequest(page: string, number: string, family: Family): ContextSelector {
  if (!/^[1-9]\d{0,9}$/.test(number)) return byDefault();
  if (page === "merge_requests") return byRef("refs/merge-requests/", [number, "head"]);
  if (page !== "pull-requests") return byRef("refs/pull/", [number, "head"]);
  if (family === "bitbucket") {
    throw invalid("Bitbucket does not offer pull requests by Git. Paste the URL of the pull request's branch.");
  }
  return byRef("refs/pull-requests/", [number, "from"]);
}

/** `?at=` and `?until=` (Bitbucket), `?version=` and `?path=` (Azure DevOps). They overrule the path. */
function selectByQuery(
  rest: readonly string[],
  query: URLSearchParams,
  family: Family,
): { selector: ContextSelector; query: string } | undefined {
  const keys = family === "azure" ? ["version"] : ["at", "until"];
  const key = keys.find((candidate) => query.get(candidate));
  const value = key === undefined ? null : query.get(key);
  if (key === undefined || !value || rest[0] === "commit") return undefined;
  const kept = new URLSearchParams({ [key]: value });
  if (family === "azure") {
    const path = (query.get("path") ?? "").replace(/^\/+/, "");
    if (path) kept.set("path", `/${path}`);
    const name = value.slice(2);
    const selectors: Record<string, ContextSelector> = {
      GB: { kind: "ref", ref: `refs/heads/${name}`, path },
      GT: { kind: "ref", ref: `refs/tags/${name}`, path },
      GC: FULL_HASH.test(name) ? { kind: "commit", commit: name.toLowerCase(), path } : { kind: "name", name, path },
    };
    const selector = selectors[value.slice(0, 2)];
    return selector && { selector, query: kept.toString() };
  }
  const path = rest[0] === "src" ? rest.slice(2).join("/") : rest[0] === "browse" ? rest.slice(1).join("/") : "";
  const selector: ContextSelector = value.startsWith("refs/")
    ? { kind: "ref", ref: value, path }
    : FULL_HASH.test(value)
      ? { kind: "commit", commit: value.toLowerCase(), path }
      : { kind: "name", name: value, path };
  return { selector, query: kept.toString() };
}

function byDefault(path = ""): ContextSelector {
  return { kind: "default", path };
}

function byRef(prefix: string, name: readonly string[]): ContextSelector {
  return { kind: "ref", ref: `${prefix}${name.join("/")}`, path: "" };
}

function bySegments(segments: readonly string[]): ContextSelector {
  const [first, ...path] = segments;
  if (first === undefined) return byDefault();
  if (FULL_HASH.test(first)) return { kind: "commit", commit: first.toLowerCase(), path: path.join("/") };
  return { kind: "segments", segments };
}

/** An encoded slash is a slash here: branches have them. @throws AtelierError for what would leave the repository */
function decodeSegment(segment: string): string[] {
  let text = segment;
  try {
    text = decodeURIComponent(segment);
  } catch {
    // Not encoded at all: a lone per cent sign.
  }
  const parts = text.split("/").filter((part) => part !== "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a shell, a log or a file name.
  if (parts.some((part) => part === "." || part === ".." || /[\\\u0000-\u001f\u007f]/.test(part))) {
    throw invalid("This URL has parts that no repository has (.., control characters). Copy it again from the page.");
  }
  return parts;
}

function invalid(message: string): AtelierError {
  return new AtelierError("CONTEXT_INVALID", message, { path: "contextUrl" });
}
