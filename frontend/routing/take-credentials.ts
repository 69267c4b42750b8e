/**
 * Takes credentials out of a Git URL, so that they can leave the address bar and the history at once.
 * Over http(s) a user name alone is a credential, since hosts take a token as one (`https://<token>@host/`); over SSH
 * (`git@host:o/r`, `ssh://git@host/o/r`) it is part of the address.
 * @returns the URL without them, and whether there were any
 */
export function takeCredentials(contextUrl: string): { clean: string; had: boolean } {
  const match = /^((?:[a-z][a-z0-9+.-]*:\/\/)?)([^/\s?#]*)@(.*)$/is.exec(contextUrl);
  if (!match) return { clean: contextUrl, had: false };
  const [, scheme = "", userInfo = "", rest = ""] = match;
  const hasPassword = userInfo.includes(":");
  const isSsh = scheme === "" ? !hasPassword && SCP_ADDRESS.test(rest) : !/^https?:/i.test(scheme);
  if (!isSsh) return { clean: scheme + rest, had: true };
  if (!hasPassword) return { clean: contextUrl, had: false };
  return { clean: `${scheme}${userInfo.slice(0, userInfo.indexOf(":"))}@${rest}`, had: true };
}

/** `host:path`, and not `host:8443/path`. */
const SCP_ADDRESS = /^[^/:]+:(?!\d+(?:\/|$))/;
