/** @param pattern `*` is any text, `?` one character; a leading slash may be left out. Case matters. */
export function matchesPath(pattern: string, path: string): boolean {
  const rooted = pattern.startsWith("/") || pattern.startsWith("*") ? pattern : `/${pattern}`;
  const source = rooted
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(path);
}

/** @param alias a name, or `*.domain`, which takes exactly one more label. @param name lower case, without port */
export function matchesAlias(alias: string, name: string): boolean {
  if (!alias.startsWith("*.")) return alias === name;
  const dot = name.indexOf(".");
  return dot > 0 && name.slice(dot + 1) === alias.slice(2);
}
