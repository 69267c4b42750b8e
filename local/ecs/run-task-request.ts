import { createHash } from "node:crypto";
import { ecsError, refuseUnmodelled } from "./ecs-error.ts";
import { MAX_OVERRIDES_CHARACTERS, MAX_TASKS_PER_RUN } from "./limits.ts";
import type { CapacityProvider, TaskOverrides } from "./task.ts";
import { checkEphemeralStorage } from "./task-definition.ts";

/** A RunTask call, checked as far as this can be done without knowing cluster and task definition. */
export interface RunTaskRequest {
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly count: number;
  readonly clientToken?: string;
  /** Equal for calls that differ in nothing but their token. */
  readonly requestHash: string;
  readonly startedBy?: string;
  readonly group?: string;
  readonly capacityProvider: CapacityProvider;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly assignPublicAddress: boolean;
  readonly overrides: TaskOverrides;
  readonly tags: readonly { key?: string; value?: string }[];
}

interface Input extends Record<string, unknown> {
  cluster?: string;
  taskDefinition?: string;
  count?: number;
  clientToken?: string;
  startedBy?: string;
  group?: string;
  launchType?: string;
  platformVersion?: string;
  capacityProviderStrategy?: { capacityProvider?: string; weight?: number; base?: number }[];
  networkConfiguration?: {
    awsvpcConfiguration?: { subnets?: string[]; securityGroups?: string[]; assignPublicIp?: string };
  };
  overrides?: TaskOverrides;
  tags?: { key?: string; value?: string }[];
}

const MODELLED = [
  ...["cluster", "taskDefinition", "count", "clientToken", "startedBy", "group", "launchType", "platformVersion"],
  ...["capacityProviderStrategy", "networkConfiguration", "overrides", "tags", "enableECSManagedTags"],
  ...["propagateTags", "referenceId"],
];
const MODELLED_OVERRIDES = [
  ...["containerOverrides", "cpu", "memory", "ephemeralStorage", "taskRoleArn", "executionRoleArn"],
];
const MODELLED_CONTAINER_OVERRIDES = ["name", "environment", "command", "cpu", "memory", "memoryReservation"];

/** @throws ApiError ClientException, InvalidParameterException, UnsupportedFeatureException */
export function readRunTask(given: Record<string, unknown>): RunTaskRequest {
  refuseUnmodelled("RunTask", given, MODELLED);
  const input = given as Input;
  if (!input.taskDefinition) throw invalid("taskDefinition must not be empty.");
  const count = input.count ?? 1;
  if (count < 1 || count > MAX_TASKS_PER_RUN) throw invalid(`count must be between 1 and ${MAX_TASKS_PER_RUN}.`);
  if (input.startedBy !== undefined && !/^[A-Za-z0-9\-/_]{0,128}$/.test(input.startedBy)) {
    throw invalid("startedBy may have up to 128 letters, numbers, hyphens, slashes and underscores.");
  }
  if (input.clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(input.clientToken)) {
    throw invalid("clientToken must have 1 to 64 visible ASCII characters.");
  }
  if (!["LATEST", "1.4.0"].includes(input.platformVersion ?? "LATEST")) {
    throw ecsError("UnsupportedFeatureException", `Platform version ${input.platformVersion} is not modelled.`);
  }
  const { clientToken, ...rest } = input;
  return {
    cluster: input.cluster ?? "default",
    taskDefinition: input.taskDefinition,
    count,
    ...(clientToken === undefined ? {} : { clientToken }),
    requestHash: createHash("sha256").update(canonical(rest)).digest("hex"),
    ...(input.startedBy === undefined ? {} : { startedBy: input.startedBy }),
    ...(input.group === undefined ? {} : { group: input.group }),
    capacityProvider: capacityProvider(input),
    ...network(input),
    overrides: overrides(input.overrides ?? {}),
    tags: input.tags ?? [],
  };
}

/** On AWS a strategy spreads by weight; here the heaviest takes all, since a laptop has one machine. */
function capacityProvider({ launchType, capacityProviderStrategy: strategy }: Input): CapacityProvider {
  if (strategy === undefined || strategy.length === 0) {
    if (launchType === undefined || launchType === "FARGATE") return "FARGATE";
    throw invalid(`No container instances were found for launch type ${launchType}; use FARGATE.`);
  }
  if (launchType !== undefined) throw invalid("Specify a launch type or a capacity provider strategy, not both.");
  // The API's default weight is 0, and AWS refuses a strategy that weighs nothing.
  const heaviest = [...strategy].sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0))[0];
  if (!heaviest?.weight) throw invalid("At least one capacity provider must have a weight greater than 0.");
  const name = heaviest.capacityProvider;
  if (name === "FARGATE" || name === "FARGATE_SPOT") return name;
  throw invalid(`The capacity provider ${name} is not associated with the cluster.`);
}

function network(input: Input): Pick<RunTaskRequest, "subnetId" | "securityGroups" | "assignPublicAddress"> {
  const vpc = input.networkConfiguration?.awsvpcConfiguration;
  if (vpc === undefined) {
    throw invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  const subnetId = vpc.subnets?.[0];
  if (subnetId === undefined) throw invalid("subnets can not be empty.");
  const assign = vpc.assignPublicIp ?? "DISABLED";
  if (assign !== "ENABLED" && assign !== "DISABLED") throw invalid("assignPublicIp must be ENABLED or DISABLED.");
  return { subnetId, securityGroups: vpc.securityGroups ?? [], assignPublicAddress: assign === "ENABLED" };
}

function overrides(given: TaskOverrides): TaskOverrides {
  refuseUnmodelled("RunTask.overrides", given, MODELLED_OVERRIDES);
  for (const container of given.containerOverrides ?? []) {
    refuseUnmodelled("RunTask.overrides.containerOverrides", container, MODELLED_CONTAINER_OVERRIDES);
  }
  if (JSON.stringify(given.containerOverrides ?? []).length > MAX_OVERRIDES_CHARACTERS) {
    throw invalid(`Container Overrides length must be at most ${MAX_OVERRIDES_CHARACTERS}.`);
  }
  checkEphemeralStorage(given.ephemeralStorage);
  return given;
}

/** JSON with sorted keys: the same call says the same whatever order a client writes it in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function invalid(message: string) {
  return ecsError("InvalidParameterException", message);
}
