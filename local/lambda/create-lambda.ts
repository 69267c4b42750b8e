import { join } from "node:path";
import type { AccessKeys } from "../endpoint/access-keys.ts";
import { physicalName } from "../identifier.ts";
import { openRecords } from "../record-store.ts";
import type { FunctionInvoker, InvokeResult, Service, ServiceContext } from "../service.ts";
import type { Queue } from "../sqs/queue.ts";
import {
  AsyncInvocations,
  type AsyncSettings,
  defaultAsyncSettings,
  type PendingInvocation,
} from "./async-invocations.ts";
import { createInvokePermissions } from "./check-permissions.ts";
import { functionEnvironment } from "./function-environment.ts";
import { FunctionPool } from "./function-pool.ts";
import type { FunctionRuntime } from "./function-runtime.ts";
import { lambdaResources } from "./lambda-resources.ts";
import { QueueMapping } from "./queue-mapping.ts";
import { readFunction } from "./read-function.ts";

export interface Lambda extends Service, FunctionInvoker {
  readonly functionNames: readonly string[];
}

export interface LambdaDependencies {
  readonly assets: Readonly<Record<string, string>>;
  readonly runtime: FunctionRuntime;
  readonly keys: AccessKeys;
  endpointUrl(): string;
  /** Folder that stands for an EFS access point. */
  resolveAccessPoint(arn: string): Promise<string>;
  queue(arn: string): Queue | undefined;
}

/** Functions: synchronous and asynchronous invocations, and what a queue feeds them. */
export async function createLambda(context: ServiceContext, dependencies: LambdaDependencies): Promise<Lambda> {
  const { clock, log, random, region } = context;
  const pools = new Map<string, FunctionPool>();
  const asyncSettings = new Map<string, AsyncSettings>();
  const mappings: QueueMapping[] = [];
  const permissions = createInvokePermissions(log);
  const arnOf = (nameOrArn: string): string =>
    nameOrArn.startsWith("arn:") ? nameOrArn : `arn:aws:lambda:${region}:${context.accountId}:function:${nameOrArn}`;

  function run(functionArn: string, payload: unknown, requestId?: string): Promise<InvokeResult> {
    const pool = pools.get(arnOf(functionArn));
    if (pool !== undefined) return pool.invoke(payload, requestId);
    const error = { errorType: "ResourceNotFoundException", errorMessage: `Function not found: ${functionArn}` };
    return Promise.resolve({ ok: false, error });
  }

  const folder = context.stateDirectory === undefined ? undefined : join(context.stateDirectory, "async");
  const pending = new AsyncInvocations(
    {
      clock,
      random,
      log,
      settings: (functionArn) => asyncSettings.get(functionArn) ?? defaultAsyncSettings,
      invoke: run,
      async deliver(arn, record) {
        const queue = dependencies.queue(arn);
        if (queue !== undefined) await queue.send(JSON.stringify(record));
        else if (pools.has(arn)) pending.add(arn, record);
        else throw new Error("only queues and functions of the template are modelled as destinations");
      },
    },
    await openRecords<PendingInvocation>(folder),
  );

  const resources = lambdaResources({
    async addFunction(logicalId, properties) {
      const name = String(properties.FunctionName ?? physicalName(logicalId));
      const arn = arnOf(name);
      const roleArn = properties.Role === undefined ? undefined : String(properties.Role);
      const key = dependencies.keys.issue({ name, logicalId, roleArn });
      const memoryMb = Number(properties.MemorySize ?? 128);
      const definition = await readFunction(properties, {
        logicalId,
        name,
        arn,
        assets: dependencies.assets,
        resolveAccessPoint: dependencies.resolveAccessPoint,
        environment: (variables) =>
          functionEnvironment(variables, {
            functionName: name,
            memoryMb,
            region,
            key,
            endpointUrl: dependencies.endpointUrl(),
          }),
      });
      pools.set(arn, new FunctionPool(definition, { clock, random, log, runtime: dependencies.runtime }));
      return { name, arn };
    },
    configureAsync: (functionName, settings) => {
      const arn = arnOf(functionName);
      asyncSettings.set(arn, { ...(asyncSettings.get(arn) ?? defaultAsyncSettings), ...settings });
    },
    addMapping(queueArn, functionName, settings) {
      const queue = dependencies.queue(queueArn);
      if (queue === undefined)
        throw new Error(`EventSourceArn: ${queueArn} is no queue; other sources are not modelled`);
      const functionArn = arnOf(functionName);
      const timeoutMs = pools.get(functionArn)?.definition.timeoutMs ?? 0;
      // AWS refuses it too: a message would come back while it is still worked on.
      if (queue.settings.visibilityTimeoutMs < timeoutMs) {
        throw new Error("the queue's VisibilityTimeout is less than the function's Timeout");
      }
      mappings.push(new QueueMapping({ ...settings, functionArn }, { clock, log, region, queue, invoke: run }));
    },
    grant: (functionName, grant) => permissions.grant(arnOf(functionName), grant),
  });

  return {
    name: "lambda",
    resources,
    get functionNames() {
      return [...pools.values()].map((pool) => pool.definition.name);
    },
    invoke(functionArn, payload, caller) {
      if (caller !== undefined) permissions.check(arnOf(functionArn), caller);
      return run(functionArn, payload);
    },
    invokeAsync(functionArn, payload, caller) {
      if (caller !== undefined) permissions.check(arnOf(functionArn), caller);
      pending.add(arnOf(functionArn), payload);
    },
    async start() {
      for (const mapping of mappings) mapping.start();
      pending.start();
      void warmAll([...pools.values()]);
    },
    async stop() {
      for (const mapping of mappings) mapping.stop();
      // It closes first: what the pools interrupt is then tried again by the next start, and is no failure.
      const closed = pending.close();
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      await closed;
    },
  };
}

/** One after the other, so that warming does not take the processor from a person's first request. */
async function warmAll(pools: readonly FunctionPool[]): Promise<void> {
  for (const pool of pools) await pool.warm();
}
