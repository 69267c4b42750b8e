interface Failure {
  /** `install the IDE` */
  readonly doing: string;
  readonly output: string;
}

const UNREACHABLE =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|code E(5\d\d)\b/;

/** What a person can do about it. */
export function packageFailure({ doing, output }: Failure): Error {
  const said = output.trim().split("\n").slice(-12).join("\n");
  if (/ENOSPC|no space left/i.test(output)) {
    return new Error(
      `Cannot ${doing}: the disk is full. It needs about 900 MB while installing. Nothing was left behind.`,
    );
  }
  if (/ENOENT.*\bnpm\b|spawn npm/.test(output)) {
    return new Error(`Cannot ${doing}: there is no npm on the PATH. It comes with Node (https://nodejs.org).`);
  }
  if (UNREACHABLE.test(output)) {
    return new Error(
      `Cannot ${doing}: the package registry cannot be reached. Check the network (or npm's \`registry\` and \`proxy\` ` +
        `settings) and run this again. Nothing was left behind.\n\nnpm said:\n${said}`,
    );
  }
  return new Error(`Cannot ${doing}. Nothing was left behind.\n\nnpm said:\n${said}`);
}
