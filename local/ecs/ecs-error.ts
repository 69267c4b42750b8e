import { ApiError } from "../endpoint/api-error.ts";

/** Errors of the ECS API that the embedded cloud gives, by AWS's names. */
export type EcsErrorName =
  | "ClientException"
  | "ClusterNotFoundException"
  | "ConflictException"
  | "InvalidParameterException"
  | "ServerException"
  | "ThrottlingException"
  | "UnsupportedFeatureException";

/** @param fields further members of the answer, e.g. `resourceIds` of a conflict */
export function ecsError(name: EcsErrorName, message: string, fields?: Readonly<Record<string, unknown>>): ApiError {
  return new ApiError(name, message, name === "ServerException" ? 500 : 400, fields);
}

/**
 * Refuses members that are set but not modelled: on AWS they would have an effect, so that passing over them would be a lie.
 * @throws ApiError UnsupportedFeatureException
 */
export function refuseUnmodelled(what: string, input: object, modelled: readonly string[]): void {
  for (const [name, value] of Object.entries(input)) {
    const isEmpty = value === undefined || value === null || value === false || (Array.isArray(value) && !value.length);
    if (!isEmpty && !modelled.includes(name)) {
      throw ecsError("UnsupportedFeatureException", `${what}.${name} is not modelled by the embedded cloud.`);
    }
  }
}
