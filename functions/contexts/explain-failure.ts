/** From what went wrong between us and a Git host to what a person can do about it. */
import { AtelierError } from "#protocol/errors.ts";
import { AnswerTooLargeError, PrivateHostError } from "./git-http.ts";
import { GitAnswerError } from "./list-refs.ts";

export interface Asked {
  /** With port. */
  host: string;
  /** `acme/shop` */
  repository: string;
  hadCredential: boolean;
  timeoutMs: number;
}

/** @returns the error to throw; what it does not know, it gives back as it is */
export function explainFailure(error: unknown, asked: Asked): unknown {
  if (error instanceof GitAnswerError) return explainAnswer(error, asked);
  const reason = reasonOf(error, asked);
  if (reason === undefined) return error;
  return new AtelierError("HOST_UNREACHABLE", reason, { cause: error, path: "contextUrl" });
}

function explainAnswer(error: GitAnswerError, { host, repository, hadCredential }: Asked): AtelierError {
  const made = (kind: ConstructorParameters<typeof AtelierError>[0], message: string) =>
    new AtelierError(kind, message, { cause: error, path: "contextUrl" });
  const { status } = error;
  if (status === 401 || status === 403) {
    if (hadCredential) {
      return made(
        "REPOSITORY_ACCESS_DENIED",
        `${host} refuses these credentials for ${repository}. Check that they are still good and may read it.`,
      );
    }
    return made(
      "REPOSITORY_ACCESS_DENIED",
      `${host} asks for credentials for ${repository}: it is private, or it does not exist (many hosts do not say which). ` +
        "Check the address; for a private repository put a token into the URL: https://<user>:<token>@…",
    );
  }
  if (status === 429 || status >= 500) {
    return made(
      "HOST_UNREACHABLE",
      `${host} answered with an error of its own (status ${status}). Try again in a minute.`,
    );
  }
  if (status === 404 || status === 410) {
    return made(
      "REPOSITORY_NOT_FOUND",
      `${host} has no Git repository ${repository}. Check the address for typing errors.`,
    );
  }
  return made(
    "REPOSITORY_NOT_FOUND",
    `There is no Git repository at this address: ${host} answers, but not as a Git server (status ${status}). Paste the repository's clone URL.`,
  );
}

function reasonOf(error: unknown, { host, timeoutMs }: Asked): string | undefined {
  if (error instanceof PrivateHostError) {
    return `${host} is at a private address, and this deployment opens public hosts only. Its operator can allow it (PrivateGitHosts).`;
  }
  if (error instanceof AnswerTooLargeError)
    return `${host} sends more than a list of branches can be. Check the address.`;
  if (!(error instanceof Error)) return undefined;
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return `${host} did not answer within ${timeoutMs / 1_000} seconds. Check the address, and that it can be reached from here.`;
  }
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return `${host} refuses connections: nothing listens there. Check host and port.`;
  if (code === "ENOTFOUND") return `There is no host called ${host}. Check the address for typing errors.`;
  if (code === "EAI_AGAIN") return `The name ${host} could not be looked up now. Try again in a minute.`;
  if (/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT)$/.test(code)) {
    return `${host} cannot be reached from here (${code}). Check the address and the network.`;
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return `No secure connection to ${host}: ${error.message}. Its certificate must be good for everybody, or use http.`;
  }
  if (/^(ECONNRESET|EPIPE|HPE_)/.test(code)) {
    return `${host} ended the connection in the middle (${code}). It may not be a web server; check host and port.`;
  }
  return code === "" ? undefined : `The connection to ${host} failed (${code}). Check the address and try again.`;
}

/** Of several attempts (IPv4 and IPv6) the first says enough. */
function codeOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
