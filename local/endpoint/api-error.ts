/**
 * An AWS API's refusal, thrown by a service's operation and written by the protocol that the service speaks.
 * `code` is AWS's name of the error (`ConditionalCheckFailedException`), `fields` go into the answer beside the message.
 */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** Whatever was thrown, as an ApiError: what is not one is ours (`InternalFailure`, 500). */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiError("InternalFailure", `The embedded cloud failed: ${message}`, 500);
}
