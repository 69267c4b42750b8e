import type { NetworkInterface } from "./network-interfaces.ts";

/** How far a task is; they come in this order, some may be left out. */
export type TaskStatus =
  | "PROVISIONING"
  | "PENDING"
  | "ACTIVATING"
  | "RUNNING"
  | "DEACTIVATING"
  | "STOPPING"
  | "DEPROVISIONING"
  | "STOPPED";

export type StopCode =
  | "EssentialContainerExited"
  | "SpotInterruption"
  | "TaskFailedToStart"
  | "TerminationNotice"
  | "UserInitiated";

export type CapacityProvider = "FARGATE" | "FARGATE_SPOT";

export interface KeyValue {
  readonly name: string;
  readonly value: string;
}

export interface ContainerOverride {
  readonly name: string;
  readonly environment?: readonly KeyValue[];
  readonly command?: readonly string[];
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
}

/** As RunTask was given them. */
export interface TaskOverrides {
  readonly containerOverrides?: readonly ContainerOverride[];
  readonly cpu?: string;
  readonly memory?: string;
  readonly ephemeralStorage?: { readonly sizeInGiB: number };
  readonly taskRoleArn?: string;
  readonly executionRoleArn?: string;
}

export interface TaskContainer {
  readonly name: string;
  readonly image: string;
  readonly containerArn: string;
  readonly runtimeId: string;
  lastStatus: "PENDING" | "RUNNING" | "STOPPED";
  exitCode?: number;
  reason?: string;
}

/** All that is known of a task, as it is kept. Instants in milliseconds since 1970. */
export interface Task {
  readonly id: string;
  readonly taskArn: string;
  readonly clusterArn: string;
  readonly taskDefinitionArn: string;
  readonly family: string;
  readonly group: string;
  readonly startedBy?: string;
  readonly capacityProvider: CapacityProvider;
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorageGiB: number;
  readonly architecture: "x86_64" | "arm64";
  readonly overrides: TaskOverrides;
  readonly tags: readonly { readonly key?: string; readonly value?: string }[];
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly assignPublicAddress: boolean;
  readonly attachmentId: string;
  /** What nobody else can guess: path of its metadata endpoint, and the mark that its processes carry. */
  readonly metadataToken: string;
  /** What the RunTask call said of idempotency: its token, and a hash of everything else. */
  readonly clientToken?: string;
  readonly requestHash: string;

  readonly container: TaskContainer;
  networkInterface?: NetworkInterface;
  lastStatus: TaskStatus;
  desiredStatus: "RUNNING" | "STOPPED";
  version: number;
  readonly createdAt: number;
  updatedAt: number;
  connectivityAt?: number;
  pullStartedAt?: number;
  pullStoppedAt?: number;
  startedAt?: number;
  stoppingAt?: number;
  executionStoppedAt?: number;
  stoppedAt?: number;
  stopCode?: StopCode;
  stoppedReason?: string;
  /** What the engine needs to find it again. */
  memento?: unknown;
}
