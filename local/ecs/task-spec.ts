import type { Mount, TaskSpec } from "./engine.ts";
import { DEFAULT_STOP_TIMEOUT_SECONDS } from "./limits.ts";
import type { Task } from "./task.ts";
import type { EfsVolume, TaskDefinition } from "./task-definition.ts";

/** What an engine is asked to run: the definition, with the overrides of this task over it. */
export function taskSpec(task: Task, definition: TaskDefinition, metadataUrl: string): TaskSpec {
  const container = definition.containerDefinitions[0];
  const override = task.overrides.containerOverrides?.find(({ name }) => name === container.name);
  const volumes = new Map(definition.volumes.map((volume) => [volume.name, volume]));
  const environment = Object.fromEntries(
    [...(container.environment ?? []), ...(override?.environment ?? [])].map(({ name, value }) => [name, value]),
  );
  return {
    taskId: task.id,
    marker: task.metadataToken,
    image: container.image,
    entryPoint: container.entryPoint,
    command: override?.command ?? container.command,
    workingDirectory: container.workingDirectory,
    // No credentials' address: the task has no role that a workspace could use.
    environment: { ...environment, ECS_CONTAINER_METADATA_URI_V4: metadataUrl },
    mounts: (container.mountPoints ?? []).map(({ sourceVolume, containerPath, readOnly }) => ({
      containerPath,
      readOnly: readOnly ?? false,
      source: mountSource(volumes.get(sourceVolume) as EfsVolume),
    })),
    address: task.networkInterface?.privateAddress ?? "",
    cpu: Number(task.cpu),
    memory: Number(task.memory),
  };
}

export function stopTimeoutMs(definition: TaskDefinition | undefined): number {
  return (definition?.containerDefinitions[0].stopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS) * 1_000;
}

function mountSource({ efsVolumeConfiguration: efs }: EfsVolume): Mount["source"] {
  const accessPoint = efs.authorizationConfig?.accessPointId;
  if (accessPoint !== undefined) return { accessPoint };
  return { fileSystem: efs.fileSystemId, directory: efs.rootDirectory ?? "/" };
}
