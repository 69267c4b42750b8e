/**
 * Runs the code of an `AWS::CloudFront::Function` as the runtime `cloudfront-js-2.0` does: no Node, no network, no timers, no state
 * that outlives a request, two modules (`cloudfront`, `crypto`).
 *
 * V8 accepts more syntax than the real runtime, and the bare context is no wall against hostile code: what runs here is the template's own.
 */
import { createHash, createHmac } from "node:crypto";
import vm from "node:vm";
import type { Clock, Logger } from "#local/service.ts";
import { checkOriginUpdate, type OriginUpdate } from "./check-origin-update.ts";
import { CONTEXT_SOURCE } from "./edge-context.ts";
import type { EdgeEvent, EdgeRequest, EdgeResponse } from "./edge-event.ts";

/** The real limit, not adjustable. */
export const MAX_FUNCTION_BYTES = 10_240;
/** The real runtime stops after about a millisecond of computing; this catches what never ends, on a busy laptop too. */
export const FUNCTION_TIMEOUT_MS = 500;

/** What a function may read of the key-value store that it is associated with. */
export interface KeyValueReader {
  get(key: string): string | undefined;
  count(): number;
}

export interface EdgeFunctionOptions {
  readonly name: string;
  readonly code: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keyValueStore?: KeyValueReader | undefined;
}

/** What the function answered: a request to go on with (and the origin it chose), or a response for the viewer. */
export type EdgeResult =
  | { readonly request: EdgeRequest; readonly origin: OriginUpdate | undefined }
  | { readonly response: EdgeResponse };

export interface EdgeFunction {
  readonly name: string;
  /** @throws EdgeFunctionError when the code throws, runs too long, never settles, or answers nonsense */
  run(event: EdgeEvent): EdgeResult;
}

/** `execution`: CloudFront answers 503; `validation`: 502. */
export class EdgeFunctionError extends Error {
  override readonly name = "EdgeFunctionError";
  readonly kind: "execution" | "validation";
  constructor(kind: "execution" | "validation", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** @throws Error when the code is too large, does not compile, imports what the runtime does not have, or has no `handler` */
export function createEdgeFunction(options: EdgeFunctionOptions): EdgeFunction {
  const bytes = Buffer.byteLength(options.code);
  if (bytes > MAX_FUNCTION_BYTES) {
    throw new Error(`CloudFront function ${options.name} has ${bytes} bytes; the limit is ${MAX_FUNCTION_BYTES}.`);
  }
  let outcome: { value?: string; error?: string } = {};
  let origin: OriginUpdate | undefined;
  const host = {
    now: () => options.clock.now(),
    log: (line: string) => options.log.info(line, { function: options.name }),
    hash: (algorithm: string, key: string | Uint8Array | undefined, chunks: (string | Uint8Array)[]) => {
      const hash = key === undefined ? createHash(algorithm) : createHmac(algorithm, key);
      for (const chunk of chunks) hash.update(chunk);
      return hash.digest();
    },
    hasStore: () => options.keyValueStore !== undefined,
    get: (key: string) => options.keyValueStore?.get(key),
    count: () => options.keyValueStore?.count() ?? 0,
    updateOrigin: (json: string): string | undefined => {
      const checked = checkOriginUpdate(JSON.parse(json));
      if (typeof checked === "string") return checked;
      origin = checked;
      return undefined;
    },
    settle: (error: string | undefined, value: string | undefined) => {
      outcome = error === undefined ? { value: value ?? "null" } : { error };
    },
  };
  const context = vm.createContext(
    { host, Buffer, TextEncoder, TextDecoder, atob, btoa },
    { codeGeneration: { strings: false, wasm: false }, microtaskMode: "afterEvaluate", name: options.name },
  );
  vm.runInContext(CONTEXT_SOURCE, context, { filename: "cloudfront-js-2.0" });
  // A function's body is evaluated anew for each request, so that nothing of one request can be seen by the next, as at the real edge.
  const program = new vm.Script(
    `"use strict"; globalThis.__program = function (require) {${replaceImports(options.name, options.code)}\n;return typeof handler === "function" ? handler : undefined;};`,
    { filename: `${options.name}.js` },
  );
  program.runInContext(context);
  if (
    new vm.Script("typeof __program(__require)").runInContext(context, { timeout: FUNCTION_TIMEOUT_MS }) !== "function"
  ) {
    throw new Error(`CloudFront function ${options.name} declares no function named handler.`);
  }
  const call = new vm.Script("__run()", { filename: "cloudfront-js-2.0" });

  return {
    name: options.name,
    run(event) {
      outcome = {};
      origin = undefined;
      context.__event = JSON.stringify(event);
      try {
        call.runInContext(context, { timeout: FUNCTION_TIMEOUT_MS });
      } catch (error) {
        throw new EdgeFunctionError("execution", error instanceof Error ? error.message : String(error));
      }
      if (outcome.error !== undefined) throw new EdgeFunctionError("execution", outcome.error);
      if (outcome.value === undefined) throw new EdgeFunctionError("execution", "The handler's promise never settles.");
      return readResult(JSON.parse(outcome.value), event, origin);
    },
  };
}

/** The runtime knows one form, `import name from 'module'`; a VM script knows none. Lines keep their numbers. */
function replaceImports(name: string, code: string): string {
  const replaced = code.replace(
    /^([ \t]*)import\s+([A-Za-z_$][\w$]*)\s+from\s*(['"])([^'"\n]+)\3[ \t]*;?/gm,
    (_line, indent: string, binding: string, _quote, module: string) =>
      `${indent}const ${binding} = require(${JSON.stringify(module)});`,
  );
  const other = /^[ \t]*import\s*[\w{*'"$(].*$/m.exec(replaced);
  if (other) {
    throw new Error(
      `CloudFront function ${name}: "${other[0].trim()}" is not supported; write import name from 'cloudfront'.`,
    );
  }
  return replaced;
}

const READ_ONLY = ["content-length", "host", "transfer-encoding", "via"];
const DISALLOWED =
  /^(connection|expect|keep-alive|proxy-.*|trailer|upgrade|x-accel-.*|x-amz-cf-.*|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip|cookie)$/;

function readResult(value: unknown, event: EdgeEvent, origin: OriginUpdate | undefined): EdgeResult {
  if (typeof value !== "object" || value === null) {
    throw new EdgeFunctionError("validation", "The function returned neither a request nor a response.");
  }
  if ("statusCode" in value) {
    const { statusCode } = value as EdgeResponse;
    if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) {
      throw new EdgeFunctionError("validation", `The function returned the status ${String(statusCode)}.`);
    }
    return { response: value as EdgeResponse };
  }
  const request = value as EdgeRequest;
  if (typeof request.uri !== "string" || !request.uri.startsWith("/") || request.method !== event.request.method) {
    throw new EdgeFunctionError("validation", "The function returned a request with another method or without a uri.");
  }
  for (const header of READ_ONLY) {
    if (request.headers[header]?.value !== event.request.headers[header]?.value) {
      throw new EdgeFunctionError("validation", `The function changed the read-only header ${header}.`);
    }
  }
  for (const header of Object.keys(request.headers)) {
    if (header !== header.toLowerCase() || (DISALLOWED.test(header) && !(header in event.request.headers))) {
      throw new EdgeFunctionError("validation", `The function added the header ${header}, which is not allowed.`);
    }
  }
  return { request, origin };
}

/** @returns whether functions may see a header of a viewer's request; cookies have a place of their own. */
export function isVisibleToFunctions(header: string): boolean {
  return !DISALLOWED.test(header);
}
