/** From a pasted URL to a repository, ref and commit, by asking the Git host. */

import { optionalEnv } from "#functions/runtime/config.ts";
import type { Context } from "#protocol/context.ts";
import { type ParsedContextUrl, parseContextUrl } from "#protocol/context-url.ts";
import { chooseRef, prefixesFor } from "./choose-ref.ts";
import { explainFailure } from "./explain-failure.ts";
import { GitAnswerError, type ListedRefs, listRefs } from "./list-refs.ts";

/** User name and password (or token) that stood in the URL. */
export interface GitCredential {
  username: string;
  password: string;
}

export interface ResolvedContext {
  /** Normalised, without credentials. */
  contextUrl: string;
  context: Context;
  credential?: GitCredential;
}

export interface ResolveOptions {
  /** Whether hosts at private addresses may be asked; the default is the deployment's `PRIVATE_GIT_HOSTS`. */
  privateHosts?: "allow" | "refuse";
  /** For all requests together. */
  timeoutMs?: number;
}

/** Below what a person waits for, and below API Gateway's 29 s. */
const TIMEOUT_MS = 12_000;

/**
 * Asks the Git host within 12 s.
 * @throws AtelierError CONTEXT_INVALID, REPOSITORY_NOT_FOUND, REPOSITORY_ACCESS_DENIED, REF_NOT_FOUND, HOST_UNREACHABLE
 */
export async function resolveContext(contextUrl: string, options: ResolveOptions = {}): Promise<ResolvedContext> {
  const parsed = parseContextUrl(contextUrl);
  const { cloneUrl, listed } = await ask(parsed, options);
  return {
    contextUrl: parsed.normalizedUrl,
    context: chooseRef({ ...parsed.repository, cloneUrl }, parsed.selector, listed),
    ...(parsed.credential ? { credential: parsed.credential } : {}),
  };
}

async function ask(
  parsed: ParsedContextUrl,
  options: ResolveOptions,
): Promise<{ cloneUrl: string; listed: ListedRefs }> {
  const { repository, credential, selector } = parsed;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const request = {
    signal: timeout.signal,
    refusePrivate: (options.privateHosts ?? optionalEnv("PRIVATE_GIT_HOSTS")) === "refuse",
    ...(credential ? { authorization: basic(credential) } : {}),
  };
  try {
    return await firstThatExists(addressesOf(repository.cloneUrl), async (cloneUrl) => {
      const listed = await listRefs(cloneUrl, prefixesFor(selector), request);
      if (selector.kind !== "default" || listed.refs.has("HEAD")) return { cloneUrl, listed };
      // Only the branches tell an empty repository from one whose HEAD names a branch that is not there.
      return { cloneUrl, listed: await listRefs(cloneUrl, ["HEAD", "refs/heads/"], request) };
    });
  } catch (error) {
    throw explainFailure(error, {
      host: repository.host,
      repository: [repository.owner, repository.name].filter(Boolean).join("/"),
      hadCredential: credential !== undefined,
      timeoutMs,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Servers that hand out folders know a repository as `shop.git` only, while people paste `shop`. */
function addressesOf(cloneUrl: string): string[] {
  return cloneUrl.endsWith(".git") ? [cloneUrl] : [cloneUrl, `${cloneUrl}.git`];
}

/** The answer of the first address; that of a later one when there is no repository at those before. */
async function firstThatExists<T>(addresses: readonly string[], attempt: (address: string) => Promise<T>): Promise<T> {
  const [first = "", ...others] = addresses;
  try {
    return await attempt(first);
  } catch (error) {
    const absent = error instanceof GitAnswerError && (error.status === 404 || error.status === 200);
    if (!absent || others.length === 0) throw error;
    try {
      return await firstThatExists(others, attempt);
    } catch (second) {
      throw second instanceof GitAnswerError && second.status === 404 ? error : second;
    }
  }
}

function basic({ username, password }: GitCredential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
