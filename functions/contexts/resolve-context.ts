/** From a pasted URL to a repository, ref and commit, by asking the Git host. */
import type { Context } from "#protocol/context.ts";
import { AtelierError } from "#protocol/errors.ts";

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

/**
 * Asks the Git host within 12 s.
 * @throws AtelierError CONTEXT_INVALID, REPOSITORY_NOT_FOUND, REPOSITORY_ACCESS_DENIED, REF_NOT_FOUND, HOST_UNREACHABLE
 */
export async function resolveContext(_contextUrl: string): Promise<ResolvedContext> {
  throw new AtelierError("UNAVAILABLE", "not yet");
}
