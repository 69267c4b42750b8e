import { type ApiGateway, createApiGateway } from "./apigateway/create-apigateway.ts";
import { type CloudFormation, createCloudFormation } from "./cloudformation/create-cloudformation.ts";
import { type CloudFront, createCloudFront } from "./cloudfront/create-cloudfront.ts";
import { createKeyValueStores } from "./cloudfront/create-key-value-stores.ts";
import { createDynamodb } from "./dynamodb/create-dynamodb.ts";
import type { openDynalite } from "./dynamodb/dynalite-store.ts";
import { createEc2 } from "./ec2/create-ec2.ts";
import { createEcs, type Ecs } from "./ecs/create-ecs.ts";
import type { Engine } from "./ecs/engine.ts";
import type { Volumes } from "./ecs/engines/process/task-folders.ts";
import { createEfs, type Efs } from "./efs/create-efs.ts";
import { createAccessKeys } from "./endpoint/access-keys.ts";
import { createEndpoint, type Endpoint } from "./endpoint/create-endpoint.ts";
import { createEvents } from "./events/create-events.ts";
import { createIam } from "./iam/create-iam.ts";
import { networkResources } from "./inert/network.ts";
import { observationResources } from "./inert/observation.ts";
import { registryResources } from "./inert/registry.ts";
import { createLambda } from "./lambda/create-lambda.ts";
import type { FunctionRuntime } from "./lambda/function-runtime.ts";
import { createS3 } from "./s3/create-s3.ts";
import type { Service, ServiceContext } from "./service.ts";
import { createSqs, type Sqs } from "./sqs/create-sqs.ts";
import { createSsm, type Ssm } from "./ssm/create-ssm.ts";

export interface ServicesOptions {
  readonly stackName: string;
  readonly assets: Readonly<Record<string, string>>;
  readonly runtime: FunctionRuntime;
  engine(volumes: Volumes): Promise<Engine>;
  /** What keeps the tables, in place of dynalite. */
  readonly openTables?: typeof openDynalite | undefined;
}

export interface Services {
  /** They stop in reverse order. */
  readonly all: readonly Service[];
  /** In the order in which they start: what calls others begins when those are there. */
  readonly starting: readonly Service[];
  readonly endpoint: Endpoint;
  readonly cloudfront: CloudFront;
  readonly cloudformation: CloudFormation;
  readonly ssm: Ssm;
  readonly sqs: Sqs;
  readonly ecs: Ecs;
  readonly efs: Efs;
  readonly apigateway: ApiGateway;
  readonly engine: Engine;
}

/** Makes every service and introduces them to each other: the one place that knows all of them. */
export async function createServices(
  contextOf: (name: string) => ServiceContext,
  options: ServicesOptions,
): Promise<Services> {
  const context = contextOf("endpoint");
  const keys = createAccessKeys(context.random);
  const iam = createIam(context);
  const endpoint = createEndpoint({ log: context.log, keys, check: iam.check });
  const endpointUrl = (): string => endpoint.url;

  const ssm = createSsm(contextOf("ssm"));
  const sqs = createSqs(contextOf("sqs"), { endpointUrl });
  const dynamodb = await createDynamodb(contextOf("dynamodb"), options.openTables);
  const efs = await createEfs(contextOf("efs"));
  const s3 = createS3(contextOf("s3"));
  const keyValueStores = createKeyValueStores(contextOf("cloudfront-keyvaluestore"));
  const lambda = await createLambda(contextOf("lambda"), {
    assets: options.assets,
    runtime: options.runtime,
    keys,
    endpointUrl,
    resolveAccessPoint: (arn) => efs.folderOf(arn),
    queue: sqs.queue,
  });
  const events = createEvents(contextOf("events"), { functions: lambda, queue: sqs.queue });
  const engine = await options.engine(efs);
  const ecs = await createEcs(contextOf("ecs"), { engine, events });
  const ec2 = createEc2(contextOf("ec2"), { interfaces: ecs.interfaces });
  const apigateway = createApiGateway(contextOf("apigateway"), { functions: lambda });
  const cloudfront = createCloudFront(contextOf("cloudfront"), {
    keyValueStores,
    origins: [s3, apigateway],
    addresses: ecs.interfaces,
  });
  const cloudformation = createCloudFormation(contextOf("cloudformation"), {
    functions: lambda,
    endpoint,
    stackName: options.stackName,
  });
  const inert: Service = {
    name: "inert",
    resources: { ...networkResources, ...observationResources(context), ...registryResources(context) },
  };

  // Tasks end before the buses, functions and tables that hear of it.
  const stores: Service[] = [iam, inert, ssm, sqs, dynamodb, efs, s3, keyValueStores];
  const all = [...stores, lambda, cloudformation, events, ecs, ec2, apigateway, cloudfront];
  const starting = [...stores, cloudformation, ecs, ec2, apigateway, cloudfront, lambda, events];
  for (const service of all) endpoint.serve(service);
  return { all, starting, endpoint, cloudfront, cloudformation, ssm, sqs, ecs, efs, apigateway, engine };
}
