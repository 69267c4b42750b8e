import { operationName, parseJsonBody } from "../endpoint/json-protocol.ts";
import type { ApiRequest } from "../service.ts";
import type { Clusters } from "./clusters.ts";
import type { TaskDefinitions } from "./task-definitions.ts";

interface Need {
  readonly action: string;
  readonly resource: string;
}

/**
 * What IAM asks of each operation (service authorization reference, "Amazon Elastic Container Service"). `*` where AWS knows no
 * resource for an action: a policy that names one grants nothing there.
 */
export function ecsPermissions(clusters: Clusters, definitions: TaskDefinitions, request: ApiRequest): readonly Need[] {
  const operation = operationName(request);
  const action = `ecs:${operation}`;
  const input = readBody(request);
  const cluster = clusters.arn(text(input.cluster) ?? "default");
  switch (operation) {
    case "RegisterTaskDefinition":
      return [
        { action, resource: definitions.arn(text(input.family) ?? "", "*") },
        ...passRoles(input.taskRoleArn, input.executionRoleArn),
      ];
    case "RunTask": {
      const reference = text(input.taskDefinition) ?? "";
      const definition = quietly(() => definitions.find(reference));
      const overrides = (input.overrides ?? {}) as Record<string, unknown>;
      return [
        { action, resource: definition?.taskDefinitionArn ?? definitionArn(definitions, reference) },
        ...passRoles(
          overrides.taskRoleArn ?? definition?.taskRoleArn,
          overrides.executionRoleArn ?? definition?.executionRoleArn,
        ),
      ];
    }
    case "StopTask":
      return [{ action, resource: taskArn(cluster, text(input.task) ?? "") }];
    case "DescribeTasks": {
      const tasks = Array.isArray(input.tasks) ? input.tasks : [];
      return tasks.map((task) => ({ action, resource: taskArn(cluster, String(task)) }));
    }
    case "ListTasks":
      return [{ action, resource: `${cluster.replace(":cluster/", ":container-instance/")}/*` }];
    default:
      return [{ action, resource: "*" }];
  }
}

/** A family without a revision is checked as any of its revisions. */
function definitionArn(definitions: TaskDefinitions, reference: string): string {
  if (reference.startsWith("arn:")) return reference;
  const [family = "", revision = "*"] = reference.split(":");
  return definitions.arn(family, revision);
}

function passRoles(...roles: readonly unknown[]): Need[] {
  return [...new Set(roles)]
    .filter((role): role is string => typeof role === "string")
    .map((resource) => ({ action: "iam:PassRole", resource }));
}

function taskArn(clusterArn: string, reference: string): string {
  return reference.startsWith("arn:") ? reference : `${clusterArn.replace(":cluster/", ":task/")}/${reference}`;
}

/** A body or name that is not readable is refused by the operation itself, with the better message. */
function readBody(request: ApiRequest): Record<string, unknown> {
  return quietly(() => parseJsonBody(request)) ?? {};
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
