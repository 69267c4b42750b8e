/** From what a URL asks for and the refs that there are to one context. Pure. */
import type { Context, Repository } from "#protocol/context.ts";
import type { ContextSelector } from "#protocol/context-url.ts";
import { AtelierError } from "#protocol/errors.ts";
import type { ListedRefs } from "./list-refs.ts";

/** What to ask the server for, so that `chooseRef` can answer. */
export function prefixesFor(selector: ContextSelector): string[] {
  switch (selector.kind) {
    case "default":
    case "commit":
      return ["HEAD"];
    case "ref":
      return ["HEAD", selector.ref];
    case "name":
      return ["HEAD", `refs/heads/${selector.name}`, `refs/tags/${selector.name}`];
    case "segments": {
      const [first = ""] = selector.segments;
      if (SHORT_HASH.test(first)) return ["HEAD", "refs/heads/", "refs/tags/"];
      return ["HEAD", `refs/heads/${first}`, `refs/tags/${first}`];
    }
  }
}

/** Shorter ones are more likely a name. */
const SHORT_HASH = /^[0-9a-f]{4,39}$/;

/** @throws AtelierError REF_NOT_FOUND */
export function chooseRef(repository: Repository, selector: ContextSelector, listed: ListedRefs): Context {
  switch (selector.kind) {
    case "default":
      return byHead(repository, selector.path, listed);
    case "commit":
      return byCommit(repository, selector.commit, selector.path);
    case "ref":
      return byFullRef(repository, selector.ref, selector.path, listed) ?? refuse(missingRef(repository, selector.ref));
    case "name":
      return byName(repository, selector.name, selector.path, listed) ?? refuse(missingName(repository, selector.name));
    case "segments":
      return bySegments(repository, selector.segments, listed);
  }
}

function byHead(repository: Repository, path: string, { refs, headTarget }: ListedRefs): Context {
  const commit = refs.get("HEAD");
  const branch = headTarget?.replace(/^refs\/heads\//, "");
  if (commit === undefined) {
    const [other] = [...refs.keys()].filter((ref) => ref.startsWith("refs/heads/"));
    if (other !== undefined) {
      const example = other.slice("refs/heads/".length);
      return refuse(
        `${label(repository)} has no default branch: its HEAD names ${branch ? `"${branch}", which is not there` : "nothing"}. ` +
          `Paste the URL of a branch, such as "${example}".`,
      );
    }
    const title = `${label(repository)} · empty`;
    return { kind: "empty", repository, ref: branch ?? "", refType: "branch", path: "", title };
  }
  if (branch === undefined) return { ...byCommit(repository, commit, path), kind: "repository" };
  const title = `${label(repository)} · ${branch}`;
  return { kind: "repository", repository, ref: branch, refType: "branch", commit, path, title };
}

function byCommit(repository: Repository, commit: string, path: string): Context {
  const title = `${label(repository)} · ${commit.slice(0, 8)}`;
  return { kind: "commit", repository, ref: commit, refType: "revision", commit, path, title };
}

function byFullRef(repository: Repository, ref: string, path: string, { refs }: ListedRefs): Context | undefined {
  const commit = refs.get(ref);
  if (commit === undefined) return undefined;
  const [, type, name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  const common = { repository, commit, path };
  if (type === "heads") {
    return { ...common, kind: "branch", ref: name, refType: "branch", title: `${label(repository)} · ${name}` };
  }
  if (type === "tags")
    return { ...common, kind: "tag", ref: name, refType: "tag", title: `${label(repository)} · ${name}` };
  const title = `${label(repository)} · ${describeRef(ref)}`;
  return {
    ...common,
    kind: /^refs\/(pull|pull-requests|merge-requests)\//.test(ref) ? "pull-request" : "commit",
    ref,
    refType: "ref",
    title,
  };
}

function byName(repository: Repository, name: string, path: string, listed: ListedRefs): Context | undefined {
  return (
    byFullRef(repository, `refs/heads/${name}`, path, listed) ??
    byFullRef(repository, `refs/tags/${name}`, path, listed)
  );
}

function bySegments(repository: Repository, segments: readonly string[], listed: ListedRefs): Context {
  for (let count = segments.length; count > 0; count -= 1) {
    const path = segments.slice(count).join("/");
    const found = byName(repository, segments.slice(0, count).join("/"), path, listed);
    if (found) return found;
  }
  const [first = "", ...path] = segments;
  if (first === "HEAD") return byHead(repository, path.join("/"), listed);
  if (SHORT_HASH.test(first)) {
    const commits = new Set([...listed.refs.values()].filter((commit) => commit.startsWith(first)));
    const [only] = commits;
    if (only !== undefined && commits.size === 1) return byCommit(repository, only, path.join("/"));
  }
  return refuse(missingName(repository, first));
}

function describeRef(ref: string): string {
  const [, type, number] = /^refs\/(pull|pull-requests|merge-requests)\/(\d+)\//.exec(ref) ?? [];
  if (type === undefined) return ref;
  return `${type === "merge-requests" ? "merge request" : "pull request"} ${number}`;
}

function missingRef(repository: Repository, ref: string): string {
  const described = describeRef(ref);
  if (described !== ref) {
    return `${label(repository)} has no ${described}, or its server does not offer it by Git. Check the number.`;
  }
  const [, type, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  const what = type === "heads" ? `branch "${name}"` : type === "tags" ? `tag "${name}"` : `ref "${ref}"`;
  return `${label(repository)} has no ${what}. It may have been deleted or renamed; check its name.`;
}

function missingName(repository: Repository, name: string): string {
  const hint = SHORT_HASH.test(name) ? " A commit is found by all 40 digits of its hash." : "";
  return `${label(repository)} has no branch or tag "${name}". It may have been deleted or renamed; check its name.${hint}`;
}

function label({ owner, name }: Repository): string {
  return owner === "" ? name : `${owner}/${name}`;
}

function refuse(message: string): never {
  throw new AtelierError("REF_NOT_FOUND", message, { path: "contextUrl" });
}
