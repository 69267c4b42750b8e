/** Lambda as the bench has it: deployed bundles in this process, with cold and warm starts, concurrency, and the processor time that they really take. */
import type { FunctionDefinition } from "#local/lambda/function-definition.ts";
import type { FunctionEnvironment, FunctionRuntime } from "#local/lambda/function-runtime.ts";
import type { Clock } from "#local/service.ts";
import type { Meter } from "./scale-meter.ts";
import { LAMBDA_COLD_MS, LAMBDA_MIB_PER_CPU, LAMBDA_WARM_MS, LONGEST_SLICE_MS, QUOTAS } from "./scale-model.ts";

/** Processor time of this thread since the last look, milliseconds. */
export class Processor {
  #at = cpuMs();
  /** What functions took in all: measured. */
  functionsMs = 0;

  /** Whatever was done until now is nobody's. */
  skip(): void {
    this.#at = cpuMs();
  }

  /** @returns simulated milliseconds for what this function did since it went on */
  charge({ memoryMb }: FunctionDefinition): number {
    const now = cpuMs();
    const slice = now - this.#at;
    this.#at = now;
    this.functionsMs += slice;
    return Math.min(slice, LONGEST_SLICE_MS) * Math.max(1, LAMBDA_MIB_PER_CPU / memoryMb);
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

export interface FunctionsParts {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly processor: Processor;
  readonly concurrency: number;
}

export interface Concurrency {
  now: number;
  most: number;
}

/** @param inner keeps one loaded bundle for each function; its environments are counted here */
export function meterFunctions(
  inner: FunctionRuntime,
  { clock, meter, processor, concurrency }: FunctionsParts,
): FunctionRuntime & { concurrency: Concurrency; definitions: FunctionDefinition[] } {
  const bundles = new Map<string, Promise<FunctionEnvironment>>();
  const busy: Concurrency = { now: 0, most: 0 };
  const definitions: FunctionDefinition[] = [];
  const pass = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, ms));
  return {
    maxEnvironments: QUOTAS.lambdaConcurrency * 10,
    concurrency: busy,
    definitions,
    async start(definition, output): Promise<FunctionEnvironment> {
      const bundle = bundles.get(definition.arn) ?? inner.start(definition, output);
      if (!bundles.has(definition.arn)) definitions.push(definition);
      bundles.set(definition.arn, bundle);
      const { invoke } = await bundle;
      let alive = true;
      let isCold = true;
      return {
        get alive() {
          return alive;
        },
        async close() {
          alive = false;
        },
        async invoke(invocation) {
          if (busy.now >= concurrency) {
            meter.add("invocations throttled");
            return { ok: false, error: { errorType: "TooManyRequestsException", errorMessage: "Rate Exceeded." } };
          }
          busy.now += 1;
          busy.most = Math.max(busy.most, busy.now);
          const startedAt = clock.now();
          meter.add(`λ ${definition.logicalId.replace(/^ControlPlane|Function[0-9A-F]{8}$/g, "")}`);
          if (isCold) {
            meter.add("cold starts");
            await pass(LAMBDA_COLD_MS);
          }
          isCold = false;
          await pass(LAMBDA_WARM_MS);
          processor.skip();
          const result = await invoke(invocation);
          await pass(processor.charge(definition));
          meter.invocation(clock.now() - startedAt, definition.memoryMb);
          busy.now -= 1;
          return result;
        },
      };
    },
  };
}
