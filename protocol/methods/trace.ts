import * as v from "valibot";
import { InstanceId, WorkspaceId } from "../ids.ts";
import { Conditions, Phase, STAGES } from "../workspace.ts";
import { method } from "./method.ts";

/**
 * Where the time of a run goes, finer than the stages, each of which is a span of the same name:
 * - within `task`: `attempt-<n>` (a call of RunTask), then what ECS says of the task: `provisioning` (machine and network),
 *   `pending`, in it `pull` (the image), `activating`
 * - `supervisor`: from a running container to its first sign of life
 * - `address`: until the task's public name is known
 * - `running`: from when people could reach the IDE
 * - `stopping`, and within it ECS's `deactivating`, `ending` (the container has up to 120 s) and `deprovisioning`
 */
const SPANS = [
  ...STAGES,
  "provisioning",
  "pending",
  "pull",
  "activating",
  "address",
  "running",
  "stopping",
  "deactivating",
  "ending",
  "deprovisioning",
] as const;
export const SpanName = v.union([
  v.picklist(SPANS),
  v.custom<`attempt-${number}`>((name) => typeof name === "string" && /^attempt-[1-9][0-9]{0,8}$/.test(name)),
]);
export type SpanName = v.InferOutput<typeof SpanName>;

export const Span = v.object({
  name: SpanName,
  startedAt: v.string(),
  /** Absent while it is active. */
  endedAt: v.optional(v.string()),
  /** `refused`: AWS started nothing, and was asked again; `stopped`: cut short by the end of the run. */
  state: v.picklist(["active", "done", "skipped", "refused", "stopped", "failed"]),
  /** What it is doing, or what AWS said: `Receiving objects 42 %`, `Waiting for capacity`. */
  detail: v.optional(v.string()),
  /** Of what failed: why, in a sentence for people. */
  reason: v.optional(v.string()),
  /** The span that it is a part of, which stands before it. */
  parent: v.optional(SpanName),
});
export type Span = v.InferOutput<typeof Span>;

/** A moment: `ready` is when people could first reach the IDE. */
export const Mark = v.object({
  name: v.picklist(["requested", "hello", "ready", "stop", "failure", "stopped"]),
  at: v.string(),
  detail: v.optional(v.string()),
});
export type Mark = v.InferOutput<typeof Mark>;

export const Trace = v.object({
  instanceId: InstanceId,
  workspaceId: WorkspaceId,
  phase: Phase,
  conditions: Conditions,
  requestedAt: v.string(),
  /** When nothing of it was left. */
  endedAt: v.optional(v.string()),
  /** In the order in which they are to be shown: a start from its request to the IDE, then the run and its end. */
  spans: v.array(Span),
  /** Earliest first. */
  marks: v.array(Mark),
});
export type Trace = v.InferOutput<typeof Trace>;

export const traceMethods = {
  /** Where the time of a run went, also of a former one (kept for 30 days). Errors: NOT_FOUND. */
  "instance.trace": method("user", v.strictObject({ instanceId: InstanceId }), v.object({ trace: Trace })),
};
