/** Volumes on EFS: an access point, and the task definition that mounts it. */
import {
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type TaskDefinition,
} from "@aws-sdk/client-ecs";
import { CreateAccessPointCommand, DeleteAccessPointCommand, EFSClient } from "@aws-sdk/client-efs";
import { clock } from "#functions/runtime/clock.ts";
import { env } from "#functions/runtime/config.ts";
import { isNamed } from "./cloud-error.ts";

const ecs = new ECSClient({ maxAttempts: 3 });
// Registering is not repeated here: who is throttled takes a turn, and what a lost answer registered is found by its family.
const registrar = new ECSClient({ maxAttempts: 1 });
const efs = new EFSClient({ maxAttempts: 3 });

/** The person inside a workspace. */
const USER_ID = 1_000;
const VOLUME_NAME = "workspace";

const BASE_AGE_MS = 10 * 60_000;
let knownBase: { definition: Promise<TaskDefinition>; at: number } | undefined;

/** Makes the access point, or finds the one that an earlier call made: the client token is the workspace's id. */
export async function makeAccessPoint(workspaceId: string, directory: string): Promise<string> {
  try {
    const { AccessPointId } = await efs.send(
      new CreateAccessPointCommand({
        ClientToken: workspaceId,
        FileSystemId: env("FILE_SYSTEM_ID"),
        PosixUser: { Uid: USER_ID, Gid: USER_ID },
        RootDirectory: {
          Path: `/workspaces/${directory}`,
          CreationInfo: { OwnerUid: USER_ID, OwnerGid: USER_ID, Permissions: "0750" },
        },
      }),
    );
    if (!AccessPointId) throw new Error("EFS made an access point without an id.");
    return AccessPointId;
  } catch (error) {
    const existing = (error as { AccessPointId?: string }).AccessPointId;
    if (isNamed(error, "AccessPointAlreadyExists") && existing) return existing;
    throw error;
  }
}

/** Right also when it is gone. */
export async function removeAccessPoint(accessPointId: string): Promise<void> {
  try {
    await efs.send(new DeleteAccessPointCommand({ AccessPointId: accessPointId }));
  } catch (error) {
    if (!isNamed(error, "AccessPointNotFound")) throw error;
  }
}

/** @returns the ARN of a definition that mounts this access point and that a torn call left */
export async function findTaskDefinition(workspaceId: string, accessPointId: string): Promise<string | undefined> {
  const left = await describe(familyOf(workspaceId));
  return left && mounts(left, accessPointId) ? left.taskDefinitionArn : undefined;
}

/** @returns the ARN of a new definition that mounts this access point */
export async function makeTaskDefinition(workspaceId: string, accessPointId: string): Promise<string> {
  const base = await describeBase();
  const { taskDefinition } = await registrar.send(
    new RegisterTaskDefinitionCommand(definitionFor(base, workspaceId, accessPointId)),
  );
  if (!taskDefinition?.taskDefinitionArn) throw new Error("ECS registered a task definition without an ARN.");
  return taskDefinition.taskDefinitionArn;
}

/** Right also when it is inactive or unknown. */
export async function removeTaskDefinition(arn: string): Promise<void> {
  try {
    await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn }));
  } catch (error) {
    if (!isNamed(error, "ClientException", "InvalidParameterException")) throw error;
  }
}

/** Also those that a torn call registered and nobody wrote down. */
export async function removeTaskDefinitionsOf(workspaceId: string): Promise<void> {
  const seen = new Set<string>();
  for (;;) {
    const arn = (await describe(familyOf(workspaceId)))?.taskDefinitionArn;
    // The same again: ECS does not see yet what it was told.
    if (!arn || seen.has(arn)) return;
    seen.add(arn);
    await removeTaskDefinition(arn);
  }
}

export function familyOf(workspaceId: string): string {
  return `atelier-ws-${workspaceId}`;
}

/** Only what can be registered is copied: an answer has much that a request must not have. */
export function definitionFor(
  base: TaskDefinition,
  workspaceId: string,
  accessPointId: string,
): RegisterTaskDefinitionCommandInput {
  const { containerDefinitions, cpu, memory, networkMode, requiresCompatibilities } = base;
  const { executionRoleArn, taskRoleArn, runtimePlatform, ephemeralStorage, pidMode } = base;
  return {
    family: familyOf(workspaceId),
    containerDefinitions,
    ...(cpu ? { cpu } : {}),
    ...(memory ? { memory } : {}),
    ...(networkMode ? { networkMode } : {}),
    ...(requiresCompatibilities ? { requiresCompatibilities } : {}),
    ...(executionRoleArn ? { executionRoleArn } : {}),
    ...(taskRoleArn ? { taskRoleArn } : {}),
    ...(runtimePlatform ? { runtimePlatform } : {}),
    ...(ephemeralStorage ? { ephemeralStorage } : {}),
    ...(pidMode ? { pidMode } : {}),
    volumes: (base.volumes ?? []).map((volume) =>
      volume.name === VOLUME_NAME
        ? {
            name: VOLUME_NAME,
            efsVolumeConfiguration: {
              ...volume.efsVolumeConfiguration,
              fileSystemId: env("FILE_SYSTEM_ID"),
              transitEncryption: "ENABLED" as const,
              authorizationConfig: { accessPointId },
            },
          }
        : volume,
    ),
  };
}

function mounts({ volumes }: TaskDefinition, accessPointId: string): boolean {
  return (volumes ?? []).some(
    ({ efsVolumeConfiguration }) => efsVolumeConfiguration?.authorizationConfig?.accessPointId === accessPointId,
  );
}

/** A revision never changes, and DescribeTaskDefinition is limited to 20 a second: asked for once by each environment. */
function describeBase(): Promise<TaskDefinition> {
  const now = clock.now();
  if (knownBase === undefined || now - knownBase.at >= BASE_AGE_MS) {
    const known = { definition: readBase(), at: now };
    knownBase = known;
    known.definition.catch(() => {
      if (knownBase === known) knownBase = undefined;
    });
  }
  return knownBase.definition;
}

async function readBase(): Promise<TaskDefinition> {
  const definition = await describe(env("BASE_TASK_DEFINITION"));
  if (!definition) throw new Error("The base task definition is missing. Deploy again.");
  return definition;
}

async function describe(reference: string): Promise<TaskDefinition | undefined> {
  try {
    const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: reference }));
    return taskDefinition;
  } catch (error) {
    if (isNamed(error, "ClientException")) return undefined;
    throw error;
  }
}
