import type { Route } from "./api-state.ts";

export interface RouteMatch {
  readonly route: Route;
  /** Decoded; `undefined` for a route without parameters. */
  readonly parameters: Record<string, string> | undefined;
}

/**
 * The most specific route of an HTTP API: a fixed segment before `{name}` before `{name+}`, from left to right; with the same path a named
 * method before `ANY`; `$default` last.
 * @param path without query and stage, still encoded
 */
export function matchRoute(routes: Iterable<Route>, method: string, path: string): RouteMatch | undefined {
  let best: { match: RouteMatch; rank: number[] } | undefined;
  for (const route of routes) {
    const found = matchOne(route, method, path);
    if (found && (!best || compare(found.rank, best.rank) > 0)) best = found;
  }
  return best?.match;
}

function matchOne(route: Route, method: string, path: string): { match: RouteMatch; rank: number[] } | undefined {
  if (route.routeKey === "$default") return { match: { route, parameters: undefined }, rank: [-1] };
  const [routeMethod, routePath = ""] = route.routeKey.split(" ");
  if (routeMethod !== method && routeMethod !== "ANY") return undefined;
  const expected = routePath.split("/");
  const given = path.split("/");
  const parameters: Record<string, string> = {};
  const rank: number[] = [];
  for (const [index, part] of expected.entries()) {
    const name = /^\{([^}+]+)(\+?)\}$/.exec(part);
    if (name?.[2]) {
      const rest = given.slice(index).join("/");
      if (rest === "") return undefined;
      parameters[name[1] as string] = decode(rest);
      rank.push(0);
      return finish(rank);
    }
    const segment = given[index];
    if (segment === undefined || (name ? segment === "" : segment !== part)) return undefined;
    if (name) parameters[name[1] as string] = decode(segment);
    rank.push(name ? 1 : 2);
  }
  return given.length === expected.length ? finish(rank) : undefined;

  function finish(segments: number[]) {
    const any = Object.keys(parameters).length > 0;
    return {
      match: { route, parameters: any ? parameters : undefined },
      rank: [...segments, routeMethod === "ANY" ? 0.25 : 0.5],
    };
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
