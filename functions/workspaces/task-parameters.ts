/** RunTask's parameters: a pure function of the row, so that the same attempt asks for the same, and cannot start twice. */
import { CLASSES, DEFAULT_CLASS, findClass } from "./classes.ts";
import type { Instance } from "./facts.ts";

export interface RunParameters {
  taskDefinitionArn: string;
  startedBy: string;
  clientToken: string;
  /** CPU units, 1,024 a vCPU. */
  cpu: string;
  /** MiB */
  memory: string;
  environment: Record<string, string>;
}

/** @param ticket of this attempt; see `instances/launch-ticket.ts` */
export function runParameters(
  instance: Pick<Instance, "id" | "class">,
  taskDefinitionArn: string,
  attempt: number,
  ticket: string,
): RunParameters {
  // A class that was taken off the offer since runs as the default one.
  const { cpu, memoryMiB } =
    findClass(instance.class) ?? findClass(DEFAULT_CLASS) ?? (CLASSES[0] as (typeof CLASSES)[0]);
  return {
    taskDefinitionArn,
    startedBy: instance.id,
    clientToken: `${instance.id}.${attempt}`,
    cpu: String(cpu * 1_024),
    memory: String(memoryMiB),
    environment: { ATELIER_INSTANCE_ID: instance.id, ATELIER_LAUNCH_TICKET: ticket },
  };
}
