import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import type { InvokeResult } from "../service.ts";
import type { FunctionDefinition } from "./function-definition.ts";
import {
  type FunctionEnvironment,
  FunctionFailure,
  type FunctionRuntime,
  type Invocation,
} from "./function-runtime.ts";
import type { WorkerData, WorkerMessage } from "./worker-entry.ts";

/** Handlers in worker threads: their own module graph, their own environment variables, one of them ends without the others. */
export const workerRuntime: FunctionRuntime = {
  // A worker takes 200 ms of a core to load its bundle; most requests are over sooner, and a laptop has few cores.
  patienceMs: 150,
  start: (definition, output) =>
    new Promise((resolve, reject) => {
      const environment = new WorkerEnvironment(definition, output);
      environment.whenLoaded(() => resolve(environment), reject);
    }),
};

class WorkerEnvironment implements FunctionEnvironment {
  readonly #worker: Worker;
  #alive = true;
  #answer: ((result: InvokeResult) => void) | undefined;
  #lastError: Error | undefined;

  constructor(definition: FunctionDefinition, output: (line: string) => void) {
    const data: WorkerData = {
      codeDirectory: definition.codeDirectory,
      handler: definition.handler,
      functionName: definition.name,
      functionArn: definition.arn,
      memoryMb: definition.memoryMb,
    };
    this.#worker = new Worker(new URL("./worker-entry.ts", import.meta.url), {
      workerData: data,
      env: { ...definition.environment },
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: definition.memoryMb },
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", output);
    }
    this.#worker.on("error", (error) => {
      this.#lastError = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on("exit", (code) => this.#ended(code));
    this.#worker.on("message", (message: WorkerMessage) => this.#receive(message));
  }

  get alive(): boolean {
    return this.#alive;
  }

  whenLoaded(loaded: () => void, failed: (failure: FunctionFailure) => void): void {
    this.#worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "ready") loaded();
      if (message.kind === "failed") {
        failed(new FunctionFailure(message.error));
        void this.close();
      }
    });
    // After the result of loading is known, this rejection is one of a settled promise: without effect.
    this.#worker.on("exit", (code) => failed(new FunctionFailure(this.#exitError(code))));
  }

  invoke(invocation: Invocation): Promise<InvokeResult> {
    return new Promise((resolve) => {
      if (!this.#alive) return resolve({ ok: false, error: this.#exitError(0) });
      this.#answer = resolve;
      this.#worker.postMessage(invocation);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: WorkerMessage): void {
    if (message.kind === "result") this.#settle({ ok: true, payload: JSON.parse(message.payload) });
    if (message.kind === "error") this.#settle({ ok: false, error: message.error });
  }

  #ended(code: number): void {
    this.#alive = false;
    this.#settle({ ok: false, error: this.#exitError(code) });
  }

  #settle(result: InvokeResult): void {
    this.#answer?.(result);
    this.#answer = undefined;
  }

  #exitError(code: number): { errorType: string; errorMessage: string; trace?: string[] } {
    const error = this.#lastError;
    if (error === undefined) {
      return { errorType: "Runtime.ExitError", errorMessage: `Error: Runtime exited with error: exit status ${code}` };
    }
    const memoryRanOut = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    if (memoryRanOut)
      return { errorType: "Runtime.OutOfMemory", errorMessage: "Error: Runtime exited with error: signal: killed" };
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
  }
}
