import type { Task } from "./task.ts";

type Instant = string | number;

/** `detail` of an "ECS Task State Change" event: instants are ISO 8601. */
export function eventDetail(task: Task): Record<string, unknown> {
  return describe(task, "eni", (ms) => new Date(ms).toISOString());
}

/** A task as the API gives it: instants are seconds. */
export function apiTask(task: Task, withTags = false): Record<string, unknown> {
  const described = describe(task, "ElasticNetworkInterface", (ms) => ms / 1_000);
  return withTags ? { ...described, tags: task.tags } : described;
}

/** @param attachmentType the one thing, beside instants, that AWS names differently in events and in answers */
function describe(task: Task, attachmentType: string, instant: (ms: number) => Instant): Record<string, unknown> {
  const at = (name: string, ms: number | undefined) => (ms === undefined ? {} : { [name]: instant(ms) });
  return {
    attachments: [attachment(task, attachmentType)],
    attributes: [{ name: "ecs.cpu-architecture", value: task.architecture }],
    availabilityZone: `${task.taskArn.split(":")[3]}a`,
    launchType: "FARGATE",
    capacityProviderName: task.capacityProvider,
    clusterArn: task.clusterArn,
    containers: [container(task)],
    cpu: task.cpu,
    memory: task.memory,
    ephemeralStorage: { sizeInGiB: task.ephemeralStorageGiB },
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: false,
    group: task.group,
    lastStatus: task.lastStatus,
    overrides: { containerOverrides: [], ...task.overrides },
    platformVersion: "1.4.0",
    platformFamily: "Linux",
    ...(task.startedBy === undefined ? {} : { startedBy: task.startedBy }),
    taskArn: task.taskArn,
    taskDefinitionArn: task.taskDefinitionArn,
    version: task.version,
    ...(task.connectivityAt === undefined ? {} : { connectivity: "CONNECTED" }),
    ...(task.stopCode === undefined ? {} : { stopCode: task.stopCode }),
    ...(task.stoppedReason === undefined ? {} : { stoppedReason: task.stoppedReason }),
    ...at("createdAt", task.createdAt),
    ...at("updatedAt", task.updatedAt),
    ...at("connectivityAt", task.connectivityAt),
    ...at("pullStartedAt", task.pullStartedAt),
    ...at("pullStoppedAt", task.pullStoppedAt),
    ...at("startedAt", task.startedAt),
    ...at("stoppingAt", task.stoppingAt),
    ...at("executionStoppedAt", task.executionStoppedAt),
    ...at("stoppedAt", task.stoppedAt),
  };
}

function attachment(task: Task, type: string): Record<string, unknown> {
  const known = task.networkInterface;
  const details = [{ name: "subnetId", value: task.subnetId }];
  if (known !== undefined) {
    details.push(
      { name: "networkInterfaceId", value: known.id },
      { name: "macAddress", value: known.macAddress },
      { name: "privateDnsName", value: `ip-${known.privateAddress.replaceAll(".", "-")}.ec2.internal` },
      { name: "privateIPv4Address", value: known.privateAddress },
    );
  }
  const status = task.lastStatus === "STOPPED" ? "DELETED" : known === undefined ? "PRECREATED" : "ATTACHED";
  return { id: task.attachmentId, type, status, details };
}

function container({ container, taskArn, attachmentId, networkInterface, startedAt }: Task): Record<string, unknown> {
  return {
    containerArn: container.containerArn,
    lastStatus: container.lastStatus,
    name: container.name,
    image: container.image,
    taskArn,
    networkInterfaces:
      networkInterface === undefined ? [] : [{ attachmentId, privateIpv4Address: networkInterface.privateAddress }],
    cpu: "0",
    ...(startedAt === undefined ? {} : { runtimeId: container.runtimeId }),
    ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
    ...(container.reason === undefined ? {} : { reason: container.reason }),
  };
}
