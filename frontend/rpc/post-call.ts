import { AtelierError } from "#protocol/errors.ts";
import { errorOf, type Response as RpcResponse } from "#protocol/json-rpc.ts";
import { ConnectionLost, type RpcEnvironment, ServerBusy } from "./environment.ts";

/** API Gateway gives up after 30 s; a little later so does this. */
export const ANSWER_WITHIN_MS = 35_000;

/**
 * One JSON-RPC call by `POST /rpc`.
 * @param onDate told the instant of the answer's `Date` header, and when it came
 * @throws AtelierError what the server says; ConnectionLost when no answer came; the signal's reason when it was cancelled
 */
export async function postCall(
  environment: RpcEnvironment,
  message: string,
  signal: AbortSignal | undefined,
  onDate: (serverNow: number) => void,
): Promise<unknown> {
  const deadline = new AbortController();
  const cancelDeadline = environment.after(ANSWER_WITHIN_MS, () => deadline.abort());
  const abort = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  try {
    const response = await environment.fetch(`${environment.origin}/rpc`, {
      method: "POST",
      credentials: "same-origin",
      cache: "no-store",
      headers: { "content-type": "application/json" },
      body: message,
      signal: abort,
    });
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) onDate(date);
    const body = await readBody(response);
    if (!isAnswer(body) && (response.status === 429 || response.status >= 500)) {
      throw new ServerBusy(`The server answered with status ${response.status}.`);
    }
    return resultOf(body, response.status);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof AtelierError || error instanceof ServerBusy) throw error;
    throw new ConnectionLost("The server cannot be reached.", { cause: error });
  } finally {
    cancelDeadline();
  }
}

/** The result of an answer, or its error thrown. */
export function resultOf(body: RpcResponse | undefined, status = 200): unknown {
  if (body && "error" in body && body.error) throw errorOf(body.error);
  if (body && "result" in body) return body.result;
  if (status === 401) throw new AtelierError("UNAUTHENTICATED", "You are signed out. Sign in again.");
  if (status === 403)
    throw new AtelierError("PERMISSION_DENIED", "The server refused this. Reload the page, then try again.");
  if (status === 429) throw new AtelierError("TOO_MANY_REQUESTS", "Too many requests. Wait a moment, then try again.");
  throw new AtelierError("UNAVAILABLE", "The server did not answer as expected. Try again in a moment.");
}

function isAnswer(body: RpcResponse | undefined): boolean {
  return body !== undefined && ("error" in body || "result" in body);
}

/** @returns `undefined` for what is not JSON: an error page of something in between. */
async function readBody(response: Response): Promise<RpcResponse | undefined> {
  const text = await response.text();
  try {
    return JSON.parse(text) as RpcResponse;
  } catch {
    return undefined;
  }
}
