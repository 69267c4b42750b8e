import type { ResourceProvider, ServiceContext } from "../service.ts";
import { inert } from "./inert-provider.ts";

/** Where images are kept on AWS; engines take theirs from this machine. */
export function registryResources(
  context: Pick<ServiceContext, "region" | "accountId">,
): Readonly<Record<string, ResourceProvider>> {
  return {
    "AWS::ECR::Repository": inert(
      "image registries are not modelled: tasks run what this machine has",
      (logicalId, properties) => {
        const name = String(properties.RepositoryName ?? logicalId.toLowerCase());
        const registry = `${context.accountId}.dkr.ecr.${context.region}.amazonaws.com`;
        return {
          ref: name,
          attributes: {
            Arn: `arn:aws:ecr:${context.region}:${context.accountId}:repository/${name}`,
            RepositoryUri: `${registry}/${name}`,
          },
        };
      },
    ),
  };
}
