/**
 * The closed list of errors that cross the wire: name → JSON-RPC number, and whether the same request can succeed later.
 *
 * Numbers below −32000 are JSON-RPC 2.0's own; the positive ones follow HTTP and, from 460 on, Gitpod's numbers.
 * Every message says what happened and what to do next.
 */
export const ERRORS = {
  PARSE_ERROR: { code: -32700, retry: false },
  INVALID_REQUEST: { code: -32600, retry: false },
  METHOD_NOT_FOUND: { code: -32601, retry: false },
  INVALID_PARAMS: { code: -32602, retry: false },
  INTERNAL_ERROR: { code: -32603, retry: true },
  /** Nobody is signed in, or the token is not (or no longer) good. */
  UNAUTHENTICATED: { code: 401, retry: false },
  /** Signed in, but this is not theirs; also a wrong `Origin`. */
  PERMISSION_DENIED: { code: 403, retry: false },
  NOT_FOUND: { code: 404, retry: false },
  /** The thing is in a state in which this cannot be done (e.g. starting what is still stopping). */
  CONFLICT: { code: 409, retry: true },
  VERSION_MISMATCH: { code: 412, retry: false },
  MESSAGE_TOO_LARGE: { code: 413, retry: false },
  TOO_MANY_REQUESTS: { code: 429, retry: true },
  /** The context URL is not one that can be opened. */
  CONTEXT_INVALID: { code: 460, retry: false },
  /** There is no Git repository at that URL. */
  REPOSITORY_NOT_FOUND: { code: 462, retry: false },
  /** The host asks for credentials, or says no to those it was given. */
  REPOSITORY_ACCESS_DENIED: { code: 463, retry: false },
  /** The repository is there, the branch, tag or commit is not. */
  REF_NOT_FOUND: { code: 464, retry: false },
  /** The Git host did not answer (in time), or answered nonsense. */
  HOST_UNREACHABLE: { code: 465, retry: true },
  /** The person's quota of running workspaces is used up. */
  TOO_MANY_RUNNING: { code: 490, retry: true },
  /** The dependency asked us to slow down, or has no capacity now. */
  UNAVAILABLE: { code: 503, retry: true },
} as const satisfies Record<string, { code: number; retry: boolean }>;

export type ErrorName = keyof typeof ERRORS;

/** What `error.data` carries on the wire. */
export interface ErrorData {
  name: ErrorName;
  retry: boolean;
  /** Which parameter was wrong, as a path (`contextUrl`, `ports.0.port`). */
  path?: string;
}

const namesByCode = new Map<number, ErrorName>(
  (Object.keys(ERRORS) as ErrorName[]).map((name) => [ERRORS[name].code, name]),
);

/** The name of a JSON-RPC error number; a number that this version does not know is an `INTERNAL_ERROR`. */
export function errorName(code: number): ErrorName {
  return namesByCode.get(code) ?? "INTERNAL_ERROR";
}

/** The one error type that is meant for a person's eyes. Everything else becomes `INTERNAL_ERROR` at the edge. */
export class AtelierError extends Error {
  override readonly name = "AtelierError";
  readonly kind: ErrorName;
  readonly path: string | undefined;

  constructor(kind: ErrorName, message: string, options: { cause?: unknown; path?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.path = options.path;
  }

  get code(): number {
    return ERRORS[this.kind].code;
  }

  get retry(): boolean {
    return ERRORS[this.kind].retry;
  }
}
