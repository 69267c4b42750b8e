import type { ApiRequest, ApiResponse } from "../service.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { jsonError } from "./json-protocol.ts";

/** A REST route: method and path with `{name}` segments; `{name+}` takes the rest of the path. */
export interface RestRoute {
  readonly method: string;
  readonly path: string;
  /** @param parameters of the path, decoded. An `ApiResponse` is sent as it is, anything else as JSON with status 200. */
  handle(request: ApiRequest, parameters: Readonly<Record<string, string>>): unknown;
}

/** Answers REST-JSON services (EFS, CloudFront KeyValueStore, API Gateway's `@connections`). */
export async function answerRestJson(request: ApiRequest, routes: readonly RestRoute[]): Promise<ApiResponse> {
  try {
    for (const route of routes) {
      const parameters = route.method === request.method ? matchPath(route.path, request.path) : undefined;
      if (parameters === undefined) continue;
      const output = await route.handle(request, parameters);
      if (isApiResponse(output)) return output;
      const body = output === undefined ? "" : JSON.stringify(output);
      return { status: 200, headers: { "content-type": "application/json" }, body };
    }
    throw new ApiError(
      "UnknownOperationException",
      `${request.service}: ${request.method} ${request.path} is not modelled by the embedded cloud`,
      404,
    );
  } catch (thrown) {
    return jsonError(toApiError(thrown));
  }
}

/** The parameters of `path` under `pattern`, `undefined` when it does not match. Both without query string. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split("/");
  const given = path.split("/");
  const parameters: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const greedy = /^\{(\w+)\+\}$/.exec(part)?.[1];
    if (greedy !== undefined) {
      const rest = given.slice(index).join("/");
      if (rest === "") return undefined;
      parameters[greedy] = decodeURIComponent(rest);
      return parameters;
    }
    const segment = given[index];
    if (segment === undefined) return undefined;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) {
      if (part !== segment) return undefined;
    } else {
      if (segment === "") return undefined;
      parameters[name] = decodeURIComponent(segment);
    }
  }
  return given.length === expected.length ? parameters : undefined;
}

function isApiResponse(output: unknown): output is ApiResponse {
  return typeof output === "object" && output !== null && "status" in output && "headers" in output && "body" in output;
}
