/** What the template says of a function, its environment as the worker gets it. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  readonly logicalId: string;
  /** Folder of the bundle. */
  readonly codeDirectory: string;
  /** `<file without extension>.<export>` */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Throttles beyond it; `undefined` without a reservation. */
  readonly reservedConcurrency: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** AWS's limits of a payload in bytes: synchronous both ways, and asynchronous. */
export const maxSyncPayloadBytes = 6 * 1024 * 1024;
export const maxAsyncPayloadBytes = 1024 * 1024;
