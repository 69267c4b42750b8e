/** Where a person goes after signing in: a place on the dashboard, never elsewhere. */
import { AtelierError } from "#protocol/errors.ts";

/**
 * @param given the `return` parameter: a path with optional query and fragment, such as `/#https://github.com/acme/shop`
 * @returns the same, normalised; `/` when none is given
 * @throws AtelierError INVALID_PARAMS for anything that a browser could read as another origin
 */
export function safeReturnPath(given: string | undefined): string {
  if (given === undefined || given === "") return "/";
  // Any base will do: only whether the result leaves it matters.
  const base = "http://dashboard.invalid";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URL parsers drop tabs and line breaks, so `/\t/evil` is `//evil`.
  const harmless = /^\/(?!\/)[^\\\u0000-\u001f\u007f]*$/.test(given) && given.length <= 4_096;
  const url = harmless ? URL.parse(given, base) : null;
  // `/.//evil` is harmless until its dot is resolved.
  if (!url || url.origin !== base || url.pathname.startsWith("//")) {
    throw new AtelierError("INVALID_PARAMS", "After signing in you can only return to a page of this site.", {
      path: "return",
    });
  }
  return `${url.pathname}${url.search}${url.hash}`;
}
