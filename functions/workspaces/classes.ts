/** The sizes on offer. A class is RunTask's overrides of cpu and memory, and a price. */
import type { WorkspaceClass } from "#protocol/workspace.ts";

/** US dollars, list prices of us-east-1 for Fargate on arm64, per hour. */
const DOLLARS_PER_VCPU = 0.03238;
const DOLLARS_PER_GIB = 0.00356;
const DOLLARS_PER_PUBLIC_ADDRESS = 0.005;
/** Fargate gives this much ephemeral disk without asking and without price. */
const DISK_GIB = 20;

function classOf(id: string, name: string, cpu: number, memoryGiB: number): WorkspaceClass {
  const dollars = cpu * DOLLARS_PER_VCPU + memoryGiB * DOLLARS_PER_GIB + DOLLARS_PER_PUBLIC_ADDRESS;
  return {
    id,
    name,
    cpu,
    memoryMiB: memoryGiB * 1_024,
    diskGiB: DISK_GIB,
    architecture: "arm64",
    dollarsPerHour: Math.round(dollars * 10_000) / 10_000,
  };
}

export const CLASSES: readonly WorkspaceClass[] = [
  classOf("small", "Small", 1, 2),
  classOf("standard", "Standard", 2, 4),
  classOf("large", "Large", 4, 8),
  classOf("huge", "Huge", 8, 16),
];
export const DEFAULT_CLASS = "standard";

export function findClass(id: string): WorkspaceClass | undefined {
  return CLASSES.find((one) => one.id === id);
}
