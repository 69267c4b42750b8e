/**
 * Takes credentials out of a Git URL, so that they can leave the address bar and the history at once.
 * A user name alone is a credential over http(s), where hosts take a token as one (`https://<token>@host/`); over SSH (`git@host:…`) it is part of the address.
 * @returns the URL without them, and whether there were any
 */
export function takeCredentials(contextUrl: string): { clean: string; had: boolean } {
  const match = /^((?:[a-z][a-z0-9+.-]*:\/\/)?)([^/\s?#]*)@(.*)$/is.exec(contextUrl);
  if (!match) return { clean: contextUrl, had: false };
  const [, scheme = "", userInfo = "", rest = ""] = match;
  const [user = "", ...password] = userInfo.split(":");
  if (/^https?:/i.test(scheme)) return { clean: scheme + rest, had: userInfo !== "" };
  if (password.length === 0) return { clean: contextUrl, had: false };
  // `user:secret@host/…` without a scheme is read as https; with ssh:// the user name stays.
  return { clean: scheme === "" ? rest : `${scheme}${user}@${rest}`, had: true };
}
