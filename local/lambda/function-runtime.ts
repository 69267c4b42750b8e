import type { InvokeResult } from "../service.ts";
import type { FunctionDefinition } from "./function-definition.ts";

/** What runs handlers. Another one can run them in this process, on simulated time. */
export interface FunctionRuntime {
  /** How many environments of one function it can have at once; 10 when it does not say. */
  readonly maxEnvironments?: number;
  /** How long a request waits for one that is busy before another is started, in milliseconds; 0 when it does not say. */
  readonly patienceMs?: number;
  /**
   * Starts one environment and loads the handler's module in it.
   * @throws FunctionFailure when the module cannot be loaded
   */
  start(definition: FunctionDefinition, output: (line: string) => void): Promise<FunctionEnvironment>;
}

/** An execution environment: one request at a time. */
export interface FunctionEnvironment {
  /** `false` once it has ended: a handler that exits, or whose promise is lost, takes its environment with it. */
  readonly alive: boolean;
  /** Never rejects: an environment that ends meanwhile is an error of the function. */
  invoke(invocation: Invocation): Promise<InvokeResult>;
  close(): Promise<void>;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** When the time-out strikes, milliseconds since 1970. */
  readonly deadline: number;
}

export type FunctionError = Extract<InvokeResult, { ok: false }>["error"];

/** A function's error as Lambda words it. */
export class FunctionFailure extends Error {
  readonly error: FunctionError;

  constructor(error: FunctionError) {
    super(error.errorMessage);
    this.name = error.errorType;
    this.error = error;
  }
}
