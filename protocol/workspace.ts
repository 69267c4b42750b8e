/** What people see of a workspace. All instants are ISO 8601 in UTC with milliseconds. */
import * as v from "valibot";
import { Context } from "./context.ts";
import { InstanceId, WorkspaceId } from "./ids.ts";

/**
 * Phases of an instance, in the only order in which it can pass through them (Gitpod's names).
 * - `preparing`: asked for; no task yet (waiting for its turn, its volume or capacity)
 * - `building`: its image is being built
 * - `pending`: ECS has the task, no container yet
 * - `creating`: the container is being made (image pull, volume, network)
 * - `initializing`: the supervisor runs; the repository or the IDE is not ready yet
 * - `running`: the IDE answered once
 * - `stopping`: it was asked to end, or something failed; the task may still be there
 * - `stopped`: no task is there any more
 */
export const PHASES = [
  "preparing",
  "building",
  "pending",
  "creating",
  "initializing",
  "running",
  "stopping",
  "stopped",
] as const;
export const Phase = v.picklist(PHASES);
export type Phase = v.InferOutput<typeof Phase>;

/** Why it is as it is. Texts are sentences for people. */
export const Conditions = v.object({
  /** Something went wrong: what, why, and what to do. */
  failed: v.optional(v.string()),
  /** It ran into a limit: idle, lifetime, or a phase's deadline. */
  timeout: v.optional(v.string()),
  stoppedByRequest: v.optional(v.boolean()),
  /** It was ended from outside: Spot, the host, or the end of `npm start`. */
  interrupted: v.optional(v.string()),
});
export type Conditions = v.InferOutput<typeof Conditions>;

/** The steps of a start that a person can follow, in order. */
export const STAGES = ["queue", "volume", "task", "supervisor", "clone", "ide"] as const;
export const Stage = v.object({
  /** `queue`: its turn and a place; `volume`: made at the first start; `task`: machine and container; `supervisor`: first sign of life; `clone`; `ide`. */
  name: v.picklist(STAGES),
  state: v.picklist(["waiting", "active", "done", "skipped", "failed"]),
  startedAt: v.optional(v.string()),
  endedAt: v.optional(v.string()),
  /** What it is doing or why it is slow: `Receiving objects 42 %`, `waiting for capacity`. */
  detail: v.optional(v.string()),
});
export type Stage = v.InferOutput<typeof Stage>;

export const Port = v.object({
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  visibility: v.picklist(["private", "public"]),
  url: v.string(),
});
export type Port = v.InferOutput<typeof Port>;

export const Task = v.object({ id: v.string(), name: v.string(), state: v.picklist(["opening", "running", "closed"]) });
export type Task = v.InferOutput<typeof Task>;

export const Instance = v.object({
  id: InstanceId,
  phase: Phase,
  conditions: Conditions,
  stages: v.array(Stage),
  ports: v.array(Port),
  tasks: v.array(Task),
  /** The commit that is checked out, once cloned. */
  commit: v.optional(v.object({ hash: v.string(), subject: v.string() })),
  requestedAt: v.string(),
  /** When the IDE answered first. */
  startedAt: v.optional(v.string()),
  stoppedAt: v.optional(v.string()),
});
export type Instance = v.InferOutput<typeof Instance>;

export const WorkspaceClass = v.object({
  id: v.string(),
  name: v.string(),
  /** vCPU. */
  cpu: v.number(),
  /** MiB. */
  memoryMiB: v.number(),
  /** GiB of ephemeral disk. */
  diskGiB: v.number(),
  architecture: v.picklist(["arm64", "x86_64"]),
  /** US dollars for an hour of running, with its public address; list price of us-east-1. */
  dollarsPerHour: v.number(),
});
export type WorkspaceClass = v.InferOutput<typeof WorkspaceClass>;

export const Workspace = v.object({
  id: WorkspaceId,
  ownerId: v.string(),
  /** As it was given, normalised, without credentials. */
  contextUrl: v.string(),
  context: Context,
  /** Id of its class. */
  class: v.string(),
  createdAt: v.string(),
  /** Last start, stop or end of a run. */
  lastUsedAt: v.string(),
  /** Grows with every change. A client drops what is older than what it has. */
  revision: v.number(),
  /** Where it is reached once it runs: the clean URL of `workspace.enter`. */
  url: v.string(),
  /** The current run, or the last one; absent only in records of before the first start. */
  instance: v.optional(Instance),
});
export type Workspace = v.InferOutput<typeof Workspace>;
