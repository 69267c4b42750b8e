/** A volume is an access point, and a task definition that mounts it. */
import type { Volume } from "./workspace-row.ts";

export function isComplete(volume: Volume): volume is Volume & { accessPointId: string; taskDefinitionArn: string } {
  return volume.accessPointId !== undefined && volume.taskDefinitionArn !== undefined;
}
