import { ecsError } from "./ecs-error.ts";

/** MiB from `first` to `last` in steps. */
interface MemoryRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Fargate's sizes: CPU units → memory (Amazon ECS developer guide, "Task CPU and memory"). */
const SIZES: Readonly<Record<number, MemoryRange>> = {
  512: { first: 1_024, last: 4_096, step: 1_024 },
  1024: { first: 2_048, last: 8_192, step: 1_024 },
  2048: { first: 4_096, last: 16_384, step: 1_024 },
  4096: { first: 8_192, last: 30_720, step: 1_024 },
  8192: { first: 16_384, last: 61_440, step: 4_096 },
  16384: { first: 32_768, last: 122_880, step: 8_192 },
};

export interface FargateSize {
  /** CPU units: 1,024 are one core. */
  readonly cpu: number;
  readonly memoryMiB: number;
}

/**
 * Reads a task's size: `"1024"` or `"1 vCPU"`, `"2048"` or `"2 GB"`.
 * @throws ApiError ClientException for a size that Fargate does not have
 */
export function readFargateSize(cpu: string | undefined, memory: string | undefined): FargateSize {
  const size = { cpu: amount(cpu, /^([\d.]+)\s*vcpu$/i), memoryMiB: amount(memory, /^([\d.]+)\s*gb$/i) };
  if (!isFargateSize(size)) {
    throw ecsError(
      "ClientException",
      `No Fargate configuration exists for given values: ${cpu ?? "no"} CPU, ${memory ?? "no"} memory.`,
    );
  }
  return size;
}

function isFargateSize({ cpu, memoryMiB }: FargateSize): boolean {
  if (cpu === 256) return [512, 1_024, 2_048].includes(memoryMiB);
  const range = SIZES[cpu];
  if (range === undefined) return false;
  return memoryMiB >= range.first && memoryMiB <= range.last && (memoryMiB - range.first) % range.step === 0;
}

function amount(text: string | undefined, withUnit: RegExp): number {
  if (text === undefined) return Number.NaN;
  const large = withUnit.exec(text.trim())?.[1];
  if (large !== undefined) return Number(large) * 1_024;
  return /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
}
