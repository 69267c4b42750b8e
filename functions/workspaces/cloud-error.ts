/** What an error of an AWS call means for a start. Pure: it reads names and messages. */

/**
 * - `waiting`: AWS asks us to slow down or has no room now; the same call can succeed later
 * - `unsure`: no answer, or one that does not say whether something happened; the same call with the same token finds out
 * - `permanent`: it will be so the next time too
 */
export type CloudErrorKind = "waiting" | "unsure" | "permanent";

const SLOW_DOWN = /Throttl|TooManyRequests|RequestLimitExceeded|LimitExceeded|SlowDown|ProvisionedThroughput/i;
/** RunTask wraps what EC2 and Fargate said in a ClientException or in `failures[]`. */
const NO_ROOM =
  /capacity|rate exceeded|throttl|limit on the number|concurrent|RESOURCE:|vcpu|try again|insufficient|not available/i;
const UNSURE =
  /^(ServerException|InternalServerError|InternalFailure|ServiceUnavailable.*|TimeoutError|AbortError|NetworkingError)$/;

export function kindOfError(error: unknown): CloudErrorKind {
  const {
    name = "",
    message = "",
    $metadata,
  } = (error ?? {}) as {
    name?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (SLOW_DOWN.test(name)) return "waiting";
  if (/^(AccessDenied|Unrecognized|InvalidSignature)/.test(name)) return "permanent";
  const status = $metadata?.httpStatusCode;
  if (UNSURE.test(name) || status === undefined || status >= 500) return "unsure";
  return NO_ROOM.test(message) ? "waiting" : "permanent";
}

export function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** For people: what happened, and what can be done. */
export function permanentText(what: string, error: unknown): string {
  const { name = "Error", message = "" } = error instanceof Error ? error : {};
  const whose = "Ask whoever runs this deployment; starting it again will not help before that.";
  if (/^AccessDenied/.test(name)) return `${what}: AWS does not allow it (${message}). ${whose}`;
  return `${what}: AWS refused it as ${name}${message ? ` (${message})` : ""}. ${whose}`;
}

/** An error of an AWS call, answered or not; anything else is a defect of ours. */
export function isFromCloud(error: unknown): boolean {
  return error instanceof Error && "$metadata" in error;
}
