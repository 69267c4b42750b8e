import { uuid } from "../identifier.ts";
import type { ServiceContext } from "../service.ts";
import type { Clusters } from "./clusters.ts";
import { apiTask } from "./describe-task.ts";
import { ecsError } from "./ecs-error.ts";
import type { Engine } from "./engine.ts";
import { readFargateSize } from "./fargate-size.ts";
import type { Limits } from "./limits.ts";
import { type RunTaskRequest, readRunTask } from "./run-task-request.ts";
import type { TaskRunner } from "./run-tasks.ts";
import type { Task } from "./task.ts";
import type { TaskDefinition } from "./task-definition.ts";
import type { TaskDefinitions } from "./task-definitions.ts";
import type { Tasks } from "./tasks.ts";

export interface RunTaskParts {
  readonly context: ServiceContext;
  readonly clusters: Clusters;
  readonly definitions: TaskDefinitions;
  readonly tasks: Tasks;
  readonly runner: TaskRunner;
  readonly limits: Limits;
  readonly engine: Engine;
}

interface Answer {
  readonly tasks: readonly unknown[];
  readonly failures: readonly { arn?: string; reason: string; detail?: string }[];
}

/** RunTask. @throws ApiError by AWS's names; missing capacity is no error but one of `failures` */
export async function runTask(parts: RunTaskParts, input: Record<string, unknown>): Promise<Answer> {
  parts.limits.takeCall("runTask", "clusterModify");
  const request = readRunTask(input);
  const cluster = parts.clusters.find(request.cluster);
  const before = request.clientToken === undefined ? [] : parts.tasks.startedWith(request.clientToken, cluster.arn);
  if (before.length > 0) return replay(request, before);

  const definition = parts.definitions.find(request.taskDefinition);
  if (definition === undefined) throw ecsError("ClientException", "TaskDefinition not found.");
  if (definition.status === "INACTIVE") throw ecsError("ClientException", "TaskDefinition is inactive");
  checkContainers(request, definition);
  const refusal = parts.engine.refusal?.(request.capacityProvider);
  if (refusal !== undefined) return { tasks: [], failures: [{ arn: cluster.arn, reason: refusal }] };
  parts.limits.takeLaunches(request.capacityProvider, request.count);

  const tasks = Array.from({ length: request.count }, () => newTask(parts.context, request, definition, cluster));
  const begun = tasks.map((task) => parts.runner.begin(task));
  // As AWS answers: what the task is at the moment of the call, before anything has happened to it.
  const described = tasks.map((task) => structuredClone(apiTask(task, true)));
  await Promise.all(begun);
  return { tasks: described, failures: [] };
}

function replay(request: RunTaskRequest, before: readonly Task[]): Answer {
  if (before.some(({ requestHash }) => requestHash !== request.requestHash)) {
    throw ecsError("ConflictException", "The client token was used before with other parameters.", {
      resourceIds: before.map(({ taskArn }) => taskArn),
    });
  }
  return { tasks: before.map((task) => apiTask(task, true)), failures: [] };
}

function checkContainers({ overrides }: RunTaskRequest, { containerDefinitions: [container] }: TaskDefinition): void {
  for (const { name } of overrides.containerOverrides ?? []) {
    if (name !== container.name) {
      throw ecsError(
        "InvalidParameterException",
        `Override for container named ${name} is not a container in the task.`,
      );
    }
  }
}

function newTask(
  { random, clock, region, accountId }: ServiceContext,
  request: RunTaskRequest,
  definition: TaskDefinition,
  cluster: { readonly arn: string; readonly name: string },
): Task {
  const id = random.bytes(16).toString("hex");
  const container = definition.containerDefinitions[0];
  const size = readFargateSize(request.overrides.cpu ?? definition.cpu, request.overrides.memory ?? definition.memory);
  const now = clock.now();
  return {
    id,
    taskArn: `arn:aws:ecs:${region}:${accountId}:task/${cluster.name}/${id}`,
    clusterArn: cluster.arn,
    taskDefinitionArn: definition.taskDefinitionArn,
    family: definition.family,
    group: request.group ?? `family:${definition.family}`,
    ...(request.startedBy === undefined ? {} : { startedBy: request.startedBy }),
    capacityProvider: request.capacityProvider,
    cpu: String(size.cpu),
    memory: String(size.memoryMiB),
    ephemeralStorageGiB: (request.overrides.ephemeralStorage ?? definition.ephemeralStorage)?.sizeInGiB ?? 20,
    architecture: definition.runtimePlatform?.cpuArchitecture === "ARM64" ? "arm64" : "x86_64",
    overrides: request.overrides,
    tags: request.tags,
    subnetId: request.subnetId,
    securityGroups: request.securityGroups,
    assignPublicAddress: request.assignPublicAddress,
    attachmentId: uuid(random),
    metadataToken: random.bytes(32).toString("base64url"),
    ...(request.clientToken === undefined ? {} : { clientToken: request.clientToken }),
    requestHash: request.requestHash,
    container: {
      name: container.name,
      image: container.image,
      containerArn: `arn:aws:ecs:${region}:${accountId}:container/${cluster.name}/${id}/${uuid(random)}`,
      runtimeId: `${id}-${random.bytes(5).readUIntBE(0, 5) % 10_000_000_000}`,
      lastStatus: "PENDING",
    },
    lastStatus: "PROVISIONING",
    desiredStatus: "RUNNING",
    version: 0,
    createdAt: now,
    updatedAt: now,
  };
}
