import type { ResourceProvider } from "../service.ts";
import type { AsyncSettings } from "./async-invocations.ts";
import type { MappingSettings } from "./queue-mapping.ts";

export interface LambdaDeployment {
  addFunction(logicalId: string, properties: Readonly<Record<string, unknown>>): Promise<{ name: string; arn: string }>;
  configureAsync(functionName: string, settings: Partial<AsyncSettings>): void;
  addMapping(queueArn: string, functionName: string, settings: Omit<MappingSettings, "functionArn">): void;
  grant(functionName: string, grant: { principal: string; sourceArn: string | undefined }): void;
}

/** The resource types of Lambda. */
export function lambdaResources(deployment: LambdaDeployment): Record<string, ResourceProvider> {
  return {
    "AWS::Lambda::Function": functionProvider(deployment),
    "AWS::Lambda::Permission": permissionProvider(deployment),
    "AWS::Lambda::EventSourceMapping": mappingProvider(deployment),
    "AWS::Lambda::EventInvokeConfig": invokeConfigProvider(deployment),
  };
}

function functionProvider(deployment: LambdaDeployment): ResourceProvider {
  return {
    properties: {
      FunctionName: "executed",
      Runtime: "executed",
      Handler: "executed",
      Code: "executed",
      Environment: "executed",
      Timeout: "executed",
      MemorySize: "executed",
      Role: "executed",
      ReservedConcurrentExecutions: "executed",
      FileSystemConfigs: "executed",
      DeadLetterConfig: "executed",
      Architectures: { inert: "handlers run on this machine's processor" },
      VpcConfig: { inert: "VPC routing is not modelled" },
      EphemeralStorage: { inert: "/tmp is this machine's" },
      LoggingConfig: { inert: "output goes to the program's log" },
      TracingConfig: { inert: "metrics and traces are not modelled" },
      RecursiveLoop: { inert: "loops are not detected" },
      RuntimeManagementConfig: { inert: "handlers run in this program's Node" },
      Description: { inert: "describes" },
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties) {
      const { name, arn } = await deployment.addFunction(logicalId, properties);
      const deadLetter = (properties.DeadLetterConfig as { TargetArn?: string } | undefined)?.TargetArn;
      if (deadLetter !== undefined) deployment.configureAsync(name, { deadLetter });
      return { ref: name, attributes: { Arn: arn } };
    },
  };
}

function permissionProvider(deployment: LambdaDeployment): ResourceProvider {
  return {
    properties: {
      Action: "executed",
      FunctionName: "executed",
      Principal: "executed",
      SourceArn: "executed",
      SourceAccount: { inert: "there is one account" },
    },
    async deploy(logicalId, properties) {
      const { Action: action, FunctionName: name, Principal: principal, SourceArn: source } = properties;
      if (action !== "lambda:InvokeFunction") throw new Error(`Action: ${String(action)} is not modelled`);
      deployment.grant(String(name), {
        principal: String(principal),
        sourceArn: source === undefined ? undefined : String(source),
      });
      return { ref: logicalId };
    },
  };
}

function mappingProvider(deployment: LambdaDeployment): ResourceProvider {
  return {
    properties: {
      EventSourceArn: "executed",
      FunctionName: "executed",
      BatchSize: "executed",
      MaximumBatchingWindowInSeconds: "executed",
      FunctionResponseTypes: "executed",
      ScalingConfig: "executed",
      Enabled: "executed",
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties) {
      const responses = (properties.FunctionResponseTypes ?? []) as string[];
      const scaling = properties.ScalingConfig as { MaximumConcurrency?: number } | undefined;
      if (properties.Enabled !== false) {
        deployment.addMapping(String(properties.EventSourceArn), String(properties.FunctionName), {
          batchSize: Number(properties.BatchSize ?? 10),
          windowMs: Number(properties.MaximumBatchingWindowInSeconds ?? 0) * 1000,
          reportsItemFailures: responses.includes("ReportBatchItemFailures"),
          maxConcurrency: scaling?.MaximumConcurrency,
        });
      }
      return { ref: logicalId, attributes: { Id: logicalId } };
    },
  };
}

function invokeConfigProvider(deployment: LambdaDeployment): ResourceProvider {
  return {
    properties: {
      FunctionName: "executed",
      Qualifier: "executed",
      MaximumRetryAttempts: "executed",
      MaximumEventAgeInSeconds: "executed",
      DestinationConfig: "executed",
    },
    async deploy(logicalId, properties) {
      if (properties.Qualifier !== "$LATEST") throw new Error("Qualifier: only $LATEST is modelled");
      const destinations = properties.DestinationConfig as
        | { OnFailure?: { Destination: string }; OnSuccess?: { Destination: string } }
        | undefined;
      deployment.configureAsync(String(properties.FunctionName), {
        maxRetries: Number(properties.MaximumRetryAttempts ?? 2),
        maxAgeMs: Number(properties.MaximumEventAgeInSeconds ?? 6 * 3600) * 1000,
        onFailure: destinations?.OnFailure?.Destination,
        onSuccess: destinations?.OnSuccess?.Destination,
      });
      return { ref: logicalId };
    },
  };
}
