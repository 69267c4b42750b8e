import dns from "node:dns";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { FunctionError, Invocation } from "./function-runtime.ts";

/** What runs inside a worker: loads the handler and answers one invocation after the other. */

export interface WorkerData {
  readonly codeDirectory: string;
  readonly handler: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
}
export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: FunctionError }
  | { readonly kind: "result"; readonly requestId: string; readonly payload: string }
  | { readonly kind: "error"; readonly requestId: string; readonly error: FunctionError };

type Handler = (event: unknown, context: unknown) => unknown;

const data = workerData as WorkerData;
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

resolveLocalhost();
// A promise that nobody awaits ends the environment, as it does on AWS.
process.on("unhandledRejection", (reason) => {
  throw reason instanceof Error ? reason : new Error(String(reason));
});

try {
  const handler = await loadHandler();
  parentPort?.on("message", (invocation: Invocation) => void answer(handler, invocation));
  send({ kind: "ready" });
} catch (error) {
  send({ kind: "failed", error: describe(error) });
}

async function answer(handler: Handler, invocation: Invocation): Promise<void> {
  const { requestId } = invocation;
  try {
    const result = await handler(JSON.parse(invocation.payload), createContext(invocation));
    send({ kind: "result", requestId, payload: JSON.stringify(result) ?? "null" });
  } catch (error) {
    send({ kind: "error", requestId, error: describe(error) });
  }
}

function createContext(invocation: Invocation): unknown {
  return {
    functionName: data.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: data.functionArn,
    memoryLimitInMB: String(data.memoryMb),
    awsRequestId: invocation.requestId,
    logGroupName: `/aws/lambda/${data.functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadline - Date.now()),
  };
}

async function loadHandler(): Promise<Handler> {
  const dot = data.handler.lastIndexOf(".");
  const name = data.handler.slice(0, dot);
  const file = ["mjs", "js", "cjs"]
    .map((extension) => join(data.codeDirectory, `${name}.${extension}`))
    .find(existsSync);
  if (file === undefined) throw named("Runtime.ImportModuleError", `Error: Cannot find module '${name}'`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const exported = loaded[data.handler.slice(dot + 1)];
  if (typeof exported === "function") return exported as Handler;
  throw named("Runtime.HandlerNotFound", `${data.handler} is undefined or not exported`);
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

/** `*.localhost` is this machine (RFC 6761), which not every C library knows; the key-value store's client composes such names. */
function resolveLocalhost(): void {
  const lookup = dns.lookup as unknown as (...parameters: unknown[]) => void;
  const patched = (hostname: unknown, ...rest: unknown[]): void =>
    lookup(String(hostname).endsWith(".localhost") ? "127.0.0.1" : hostname, ...rest);
  Object.assign(dns, { lookup: patched });
}
