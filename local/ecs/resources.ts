import { createHash } from "node:crypto";
import { physicalName } from "../identifier.ts";
import type { Disposition, ResourceProvider } from "../service.ts";
import { openState } from "../state.ts";
import type { Clusters } from "./clusters.ts";
import { fromTemplate } from "./from-template.ts";
import type { TaskDefinitions } from "./task-definitions.ts";

const NO_TAGS: Disposition = { inert: "Tags have no effect on a laptop." };
const NO_INSIGHTS: Disposition = { inert: "Metrics and logs of a cluster are not modelled." };
const ANY_PROVIDER: Disposition = { inert: "Both Fargate capacity providers are always there." };

export interface ResourceParts {
  readonly stateDirectory: string | undefined;
  readonly clusters: Clusters;
  readonly definitions: TaskDefinitions;
}

/** What the embedded ECS deploys of a template. */
export function ecsResources(parts: ResourceParts): Readonly<Record<string, ResourceProvider>> {
  return {
    "AWS::ECS::Cluster": {
      properties: {
        ClusterName: "executed",
        ClusterSettings: NO_INSIGHTS,
        Configuration: NO_INSIGHTS,
        CapacityProviders: ANY_PROVIDER,
        DefaultCapacityProviderStrategy: { inert: "RunTask names its launch type or strategy." },
        Tags: NO_TAGS,
      },
      async deploy(logicalId, properties) {
        const cluster = parts.clusters.add(String(properties.ClusterName ?? physicalName(logicalId)));
        return { ref: cluster.name, attributes: { Arn: cluster.arn } };
      },
    },
    "AWS::ECS::ClusterCapacityProviderAssociations": {
      properties: {
        Cluster: ANY_PROVIDER,
        CapacityProviders: ANY_PROVIDER,
        DefaultCapacityProviderStrategy: { inert: "RunTask names its launch type or strategy." },
      },
      deploy: async (_logicalId, properties) => ({ ref: String(properties.Cluster) }),
    },
    "AWS::ECS::TaskDefinition": taskDefinition(parts),
  };
}

/** A new revision only when the template says something new: running workspaces keep naming the old one. */
function taskDefinition({ stateDirectory, definitions }: ResourceParts): ResourceProvider {
  const state = openState<Record<string, { hash: string; arn: string }>>(stateDirectory, "template", {});
  return {
    properties: {
      ContainerDefinitions: "executed",
      Volumes: "executed",
      Family: "executed",
      Cpu: "executed",
      Memory: "executed",
      RuntimePlatform: "executed",
      NetworkMode: "executed",
      RequiresCompatibilities: "executed",
      ExecutionRoleArn: { inert: "Images and logs need no role here." },
      TaskRoleArn: { inert: "No credentials are given to a task." },
      EphemeralStorage: "executed",
      Tags: NO_TAGS,
    },
    async deploy(logicalId, properties) {
      const input = fromTemplate({ Family: physicalName(logicalId), ...properties });
      const hash = createHash("sha256").update(JSON.stringify(input)).digest("hex");
      const known = state.value[logicalId];
      if (known?.hash === hash && definitions.find(known.arn)?.status === "ACTIVE") return deployed(known.arn);
      const { taskDefinitionArn: arn } = await definitions.register(input);
      state.value[logicalId] = { hash, arn };
      state.save();
      return deployed(arn);
    },
  };
}

function deployed(arn: string) {
  return { ref: arn, attributes: { TaskDefinitionArn: arn } };
}
