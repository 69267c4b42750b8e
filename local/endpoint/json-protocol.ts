import type { ApiRequest, ApiResponse } from "../service.ts";
import { ApiError, toApiError } from "./api-error.ts";

/** One operation of an AWS JSON service: takes the parsed input, gives the output, throws `ApiError`. */
export type JsonOperation = (input: Record<string, unknown>) => unknown;

/**
 * Answers the AWS JSON 1.0 and 1.1 protocols (`X-Amz-Target: <Service>.<Operation>`), which DynamoDB, ECS, EventBridge,
 * SQS and SSM speak. An operation that is not listed is refused by name, so that nothing is silently missing.
 */
export async function answerJson(
  request: ApiRequest,
  operations: Readonly<Record<string, JsonOperation>>,
): Promise<ApiResponse> {
  const contentType = request.headers["content-type"] ?? "application/x-amz-json-1.0";
  try {
    const name = operationName(request);
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined) {
      throw new ApiError(
        "UnknownOperationException",
        `${request.service}:${name} is not modelled by the embedded cloud`,
      );
    }
    const output = await operation(parseJsonBody(request));
    return { status: 200, headers: { "content-type": contentType }, body: JSON.stringify(output ?? {}) };
  } catch (thrown) {
    return jsonError(toApiError(thrown), contentType);
  }
}

/** The operation's name of an AWS JSON request: what follows the last dot of `X-Amz-Target`, `""` without one. */
export function operationName(request: ApiRequest): string {
  const target = request.headers["x-amz-target"] ?? "";
  return target.slice(target.lastIndexOf(".") + 1);
}

/** @throws ApiError `SerializationException` when the body is not a JSON object; an empty body is `{}` */
export function parseJsonBody(request: Pick<ApiRequest, "body">): Record<string, unknown> {
  if (request.body.length === 0) return {};
  try {
    const parsed: unknown = JSON.parse(request.body.toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Answered below, as any other value that is no object.
  }
  throw new ApiError("SerializationException", "The request's body is not a JSON object");
}

/** An error as AWS JSON and REST-JSON services write it; `x-amzn-query-error` is what SQS's clients look for too. */
export function jsonError(error: ApiError, contentType = "application/json"): ApiResponse {
  return {
    status: error.status,
    headers: {
      "content-type": contentType,
      "x-amzn-errortype": error.code,
      "x-amzn-query-error": `${error.code};${error.status < 500 ? "Sender" : "Receiver"}`,
    },
    body: JSON.stringify({ __type: error.code, message: error.message, ...error.fields }),
  };
}
