import { ecsError, refuseUnmodelled } from "./ecs-error.ts";
import { readFargateSize } from "./fargate-size.ts";
import { DEFAULT_STOP_TIMEOUT_SECONDS, MAX_STOP_TIMEOUT_SECONDS } from "./limits.ts";
import type { KeyValue } from "./task.ts";

export interface ContainerDefinition {
  readonly name: string;
  readonly image: string;
  readonly environment?: readonly KeyValue[];
  readonly mountPoints?: readonly { sourceVolume: string; containerPath: string; readOnly?: boolean }[];
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly workingDirectory?: string;
  readonly stopTimeout?: number;
}

export interface EfsVolume {
  readonly name: string;
  readonly efsVolumeConfiguration: {
    readonly fileSystemId: string;
    readonly rootDirectory?: string;
    readonly transitEncryption?: string;
    readonly authorizationConfig?: { readonly accessPointId?: string; readonly iam?: string };
  };
}

/** What RegisterTaskDefinition takes, as far as it is modelled: one container on Fargate with EFS volumes. */
export interface TaskDefinitionInput {
  readonly family: string;
  readonly containerDefinitions: readonly [ContainerDefinition];
  readonly volumes?: readonly EfsVolume[];
  readonly cpu: string;
  readonly memory: string;
  readonly networkMode: "awsvpc";
  readonly requiresCompatibilities: readonly ["FARGATE"];
  readonly runtimePlatform?: { readonly cpuArchitecture?: string; readonly operatingSystemFamily?: string };
  readonly executionRoleArn?: string;
  readonly taskRoleArn?: string;
  readonly ephemeralStorage?: { readonly sizeInGiB: number };
  readonly tags?: readonly { key?: string; value?: string }[];
}

export interface TaskDefinition extends TaskDefinitionInput {
  readonly taskDefinitionArn: string;
  readonly revision: number;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly volumes: readonly EfsVolume[];
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
  readonly deregisteredAt?: number;
}

const MODELLED = [
  ...["family", "containerDefinitions", "volumes", "cpu", "memory", "networkMode", "requiresCompatibilities"],
  ...["runtimePlatform", "executionRoleArn", "taskRoleArn", "ephemeralStorage", "tags"],
];

/**
 * Of these the embedded cloud honours those of `ContainerDefinition`. The others have no effect on a laptop: all ports are open
 * on the task's own address, logs go to a file, and limits inside the container are not enforced.
 */
const MODELLED_OF_CONTAINER = [
  ...["name", "image", "environment", "mountPoints", "entryPoint", "command", "workingDirectory", "stopTimeout"],
  ...["cpu", "memory", "memoryReservation", "essential", "portMappings", "logConfiguration", "linuxParameters"],
  ...["ulimits", "dockerLabels", "user", "startTimeout", "readonlyRootFilesystem", "versionConsistency"],
];

const EPHEMERAL_GIB = { least: 21, most: 200 };

/** Checks what is to become a task definition. @throws ApiError ClientException, UnsupportedFeatureException */
export function checkTaskDefinition(input: Record<string, unknown>): TaskDefinitionInput {
  refuseUnmodelled("TaskDefinition", input, MODELLED);
  const given = input as Partial<TaskDefinitionInput> & Record<string, unknown>;
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(given.family ?? "")) {
    throw invalid("Family must have 1 to 255 letters, numbers, hyphens or underscores.");
  }
  if (given.networkMode !== "awsvpc") throw invalid("Fargate only supports network mode 'awsvpc'.");
  if (given.requiresCompatibilities?.length !== 1 || given.requiresCompatibilities[0] !== "FARGATE") {
    throw ecsError("UnsupportedFeatureException", "requiresCompatibilities must be [FARGATE] in the embedded cloud.");
  }
  readFargateSize(given.cpu, given.memory);
  checkEphemeralStorage(given.ephemeralStorage);
  const platform = given.runtimePlatform?.operatingSystemFamily ?? "LINUX";
  if (platform !== "LINUX") throw ecsError("UnsupportedFeatureException", `${platform} is not modelled, LINUX is.`);

  const [container, ...others] = (given.containerDefinitions ?? []) as readonly ContainerDefinition[];
  if (container === undefined) throw invalid("Container list cannot be empty.");
  if (others.length > 0) {
    throw ecsError("UnsupportedFeatureException", "More than one container in a task is not modelled.");
  }
  checkVolumes(given.volumes ?? []);
  checkContainer(container, new Set((given.volumes ?? []).map(({ name }) => name)));
  return given as TaskDefinitionInput;
}

/** @throws ApiError ClientException */
export function checkEphemeralStorage(storage: { sizeInGiB?: number } | undefined): void {
  if (storage === undefined) return;
  const size = storage.sizeInGiB ?? 0;
  if (size < EPHEMERAL_GIB.least || size > EPHEMERAL_GIB.most) {
    throw invalid(`Ephemeral storage must be ${EPHEMERAL_GIB.least} to ${EPHEMERAL_GIB.most} GiB.`);
  }
}

function checkContainer(container: ContainerDefinition, volumes: ReadonlySet<string>): void {
  refuseUnmodelled("ContainerDefinition", container, MODELLED_OF_CONTAINER);
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(container.name ?? "")) throw invalid("Container.name is missing or not valid.");
  if (!container.image) throw invalid("Container.image should not be null or empty.");
  for (const { sourceVolume, containerPath } of container.mountPoints ?? []) {
    if (!volumes.has(sourceVolume)) throw invalid(`Unknown volume '${sourceVolume}'.`);
    if (!containerPath?.startsWith("/")) throw invalid(`containerPath '${containerPath}' is not an absolute path.`);
  }
  const stopTimeout = container.stopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS;
  if (stopTimeout < 2 || stopTimeout > MAX_STOP_TIMEOUT_SECONDS) {
    throw invalid(`stopTimeout must be 2 to ${MAX_STOP_TIMEOUT_SECONDS} seconds on Fargate.`);
  }
}

function checkVolumes(volumes: readonly EfsVolume[]): void {
  for (const volume of volumes) {
    refuseUnmodelled(`Volume ${volume.name}`, volume, ["name", "efsVolumeConfiguration"]);
    const efs = volume.efsVolumeConfiguration;
    if (efs === undefined) {
      throw ecsError("UnsupportedFeatureException", `Volume ${volume.name} is not on EFS; others are not modelled.`);
    }
    const accessPoint = efs.authorizationConfig?.accessPointId;
    if (accessPoint === undefined) continue;
    if (efs.transitEncryption !== "ENABLED") {
      throw invalid("EFS transit encryption must be enabled when an access point is given.");
    }
    if ((efs.rootDirectory ?? "/") !== "/") {
      throw invalid("rootDirectory must be omitted or '/' when an access point is given.");
    }
  }
}

function invalid(message: string) {
  return ecsError("ClientException", message);
}
