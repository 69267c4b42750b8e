/** From a message's text to its answer. The same for POST /rpc and for sockets. */
import * as v from "valibot";
import { clock } from "#functions/runtime/clock.ts";
import { addLogFields, log } from "#functions/runtime/log.ts";
import { translate } from "#functions/runtime/middleware.ts";
import { AtelierError } from "#protocol/errors.ts";
import { failure, Request, type Response, success } from "#protocol/json-rpc.ts";
import { METHODS, type MethodName } from "#protocol/methods/index.ts";
import type { AnonymousCall, Handlers, InstanceCall, UserCall } from "./call.ts";

export type Call = UserCall | InstanceCall | AnonymousCall;
export type Route = (request: Request, call: Call) => Promise<Response>;

/**
 * Reads one request. It does not look at its method or parameters.
 * @throws AtelierError PARSE_ERROR, INVALID_REQUEST
 */
export function parseRequest(text: string): Request {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw new AtelierError("PARSE_ERROR", "This is not JSON.", { cause });
  }
  if (Array.isArray(message)) {
    throw new AtelierError("INVALID_REQUEST", "Batches are not supported: send one request a message.");
  }
  const parsed = v.safeParse(Request, message);
  if (!parsed.success) {
    throw new AtelierError("INVALID_REQUEST", `This is not a JSON-RPC 2.0 request: ${describeIssue(parsed.issues[0])}`);
  }
  // To the schema an array is a record, too.
  if (Array.isArray((message as { params?: unknown }).params)) {
    throw new AtelierError("INVALID_REQUEST", "Parameters are given by name: params must be an object.");
  }
  return parsed.output;
}

/** @throws Error when a method of the protocol has no handler, so that a deployment without it does not start */
export function createRouter(handlers: Handlers): Route {
  const missing = Object.keys(METHODS).filter((name) => typeof handlers[name as MethodName] !== "function");
  if (missing.length > 0) throw new Error(`These methods have no handler: ${missing.join(", ")}.`);

  return async (request, call) => {
    const id = request.id ?? null;
    const startedAt = clock.now();
    addLogFields({ method: request.method, ...describeCall(call) });
    try {
      const result = await dispatch(handlers, request, call);
      log.info("Answered.", { durationMs: clock.now() - startedAt });
      return success(id, result);
    } catch (error) {
      return failure(id, translate(error, "call"));
    }
  };
}

async function dispatch(handlers: Handlers, request: Request, call: Call): Promise<unknown> {
  if (!Object.hasOwn(METHODS, request.method)) {
    throw new AtelierError("METHOD_NOT_FOUND", `There is no method "${request.method.slice(0, 100)}".`);
  }
  const name = request.method as MethodName;
  const allowed = admit(name, call);
  const parsed = v.safeParse(METHODS[name].params as v.GenericSchema, request.params);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue);
    throw new AtelierError("INVALID_PARAMS", describeIssue(issue), path === null ? {} : { path });
  }
  // The name chose schema, caller and handler alike, which the type checker cannot follow through a union of methods.
  const handle = handlers[name] as (params: unknown, call: Call) => Promise<unknown>;
  return handle(parsed.output, allowed);
}

/** The call as its handler gets it. @throws AtelierError UNAUTHENTICATED, PERMISSION_DENIED */
function admit(name: MethodName, call: Call): Call {
  if (name === "instance.hello") return { kind: "anonymous" };
  const { caller } = METHODS[name];
  if (call.kind === caller) return call;
  if (call.kind === "anonymous") {
    throw new AtelierError(
      "UNAUTHENTICATED",
      caller === "user" ? "Sign in first: your session is missing or over." : "This call needs the instance's bearer.",
    );
  }
  throw new AtelierError("PERMISSION_DENIED", `${name} is not for this kind of caller.`);
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

function describeCall(call: Call): Record<string, string> {
  if (call.kind === "user") return { userId: call.userId };
  return call.kind === "instance" ? { instanceId: call.instanceId } : {};
}
