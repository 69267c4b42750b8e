/**
 * Asks a Git server which refs a repository has: `ls-refs` of protocol version 2, or the whole list of the older versions
 * (gitprotocol-http, gitprotocol-v2). Ours rather than a library's, because only so can it ask for a few refs of a large
 * repository, and learn the name of an empty one's branch.
 */
import { type GitAnswer, type GitHttpOptions, gitGet, gitPost } from "./git-http.ts";
import { DELIMITER, FLUSH, packet, readPackets } from "./pkt-line.ts";

export interface ListedRefs {
  /** Full name → commit (of an annotated tag: what it points to). Has `HEAD` when it names a commit. */
  readonly refs: ReadonlyMap<string, string>;
  /** The branch that HEAD names (full name), also when it has no commit yet; absent when detached or not told. */
  readonly headTarget?: string;
}

/** The server answered, but not with what was asked for. */
export class GitAnswerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * @param prefixes which refs: `HEAD`, `refs/heads/main`. Old servers send all, so there may be more in the answer.
 * @throws GitAnswerError, PrivateHostError, AnswerTooLargeError, and what Node throws when there is no connection
 */
export async function listRefs(
  cloneUrl: string,
  prefixes: readonly string[],
  options: GitHttpOptions,
): Promise<ListedRefs> {
  const advertisement = await gitGet(
    new URL(`${cloneUrl}/info/refs?service=git-upload-pack`),
    { "git-protocol": "version=2", accept: "application/x-git-upload-pack-advertisement" },
    options,
  );
  const lines = readAnswer(advertisement, "application/x-git-upload-pack-advertisement");
  const content = lines.filter((line) => line !== null && !line.startsWith("# service="));
  if (content[0] !== "version 2") return readOldList(content as string[]);
  const endpoint = new URL(advertisement.url.href.replace(/\/info\/refs\?.*$/, "/git-upload-pack"));
  const answer = await gitPost(
    endpoint,
    {
      "git-protocol": "version=2",
      "content-type": "application/x-git-upload-pack-request",
      accept: "application/x-git-upload-pack-result",
    },
    lsRefsRequest(content as string[], prefixes),
    // A redirect to another host does not get the credentials.
    withoutForeign(options, new URL(cloneUrl).origin, endpoint.origin),
  );
  return readLsRefs(readAnswer(answer, "application/x-git-upload-pack-result"));
}

function withoutForeign(options: GitHttpOptions, first: string, now: string): GitHttpOptions {
  if (first === now) return options;
  const { authorization: _authorization, ...others } = options;
  return others;
}

function readAnswer(answer: GitAnswer, contentType: string): (string | null)[] {
  if (answer.status !== 200) throw new GitAnswerError(answer.status, `Status ${answer.status}.`);
  if (answer.contentType.split(";")[0]?.trim() !== contentType) {
    throw new GitAnswerError(200, `The answer is ${answer.contentType || "of no type"}, not Git's.`);
  }
  try {
    return readPackets(answer.body);
  } catch {
    throw new GitAnswerError(200, "The answer is not in Git's framing.");
  }
}

function lsRefsRequest(capabilities: readonly string[], prefixes: readonly string[]): string {
  const format = capabilities.find((capability) => capability.startsWith("object-format="));
  const unborn = capabilities.some((capability) => /^ls-refs=(.* )?unborn( |$)/.test(capability));
  return [
    packet("command=ls-refs"),
    ...(format ? [packet(format)] : []),
    DELIMITER,
    packet("peel"),
    packet("symrefs"),
    ...(unborn ? [packet("unborn")] : []),
    ...prefixes.map((prefix) => packet(`ref-prefix ${prefix}`)),
    FLUSH,
  ].join("");
}

/** Lines are `<commit> <ref>[ symref-target:<ref>][ peeled:<commit>]`, or `unborn HEAD symref-target:<ref>`. */
function readLsRefs(lines: readonly (string | null)[]): ListedRefs {
  const refs = new Map<string, string>();
  let headTarget: string | undefined;
  for (const line of lines) {
    const [commit = "", ref = "", ...attributes] = (line ?? "").split(" ");
    const attribute = (name: string) => attributes.find((text) => text.startsWith(`${name}:`))?.slice(name.length + 1);
    if (ref === "HEAD") headTarget = attribute("symref-target");
    if (/^[0-9a-f]{40,64}$/.test(commit)) refs.set(ref, attribute("peeled") ?? commit);
  }
  return headTarget === undefined ? { refs } : { refs, headTarget };
}

/** Versions 0 and 1: `<commit> <ref>`, the first with NUL and capabilities; `<ref>^{}` is what a tag points to. */
function readOldList(lines: readonly string[]): ListedRefs {
  const refs = new Map<string, string>();
  let headTarget: string | undefined;
  for (const line of lines) {
    const [entry = "", capabilities] = line.split("\0");
    headTarget ??= /(?:^| )symref=HEAD:(\S+)/.exec(capabilities ?? "")?.[1];
    const [commit = "", ref = ""] = entry.split(" ");
    if (/^[0-9a-f]{40,64}$/.test(commit) && !/^0+$/.test(commit)) refs.set(ref.replace(/\^\{\}$/, ""), commit);
  }
  return headTarget === undefined ? { refs } : { refs, headTarget };
}
