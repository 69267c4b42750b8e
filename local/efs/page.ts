import { badRequest } from "./access-point.ts";

const DEFAULT_PAGE = 100;

/**
 * One page of an ordered list; tokens name the last item seen, so that items that come and go do not shift pages.
 * @throws ApiError BadRequest
 */
export function pageOf<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  limitText: string | null,
  token: string | null,
): { items: readonly T[]; next?: string } {
  const limit = limitText === null ? DEFAULT_PAGE : Number(limitText);
  if (!Number.isInteger(limit) || limit < 1) throw badRequest("The size of a page must be a whole number from 1.");
  const after = token === null ? "" : Buffer.from(token, "base64url").toString("utf8");
  const rest = items.filter((item) => idOf(item) > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  if (last === undefined || rest.length <= limit) return { items: page };
  return { items: page, next: Buffer.from(idOf(last)).toString("base64url") };
}
