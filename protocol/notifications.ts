/** What comes down a socket unasked. A push is a hint: it may be lost, doubled or late. */
import * as v from "valibot";
import { InstanceId, WorkspaceId } from "./ids.ts";
import { Workspace } from "./workspace.ts";

export const NOTIFICATIONS = {
  "workspace.changed": v.object({ workspace: Workspace }),
  /** The revision stands above every revision that the workspace had. */
  "workspace.deleted": v.object({ id: WorkspaceId, revision: v.number() }),
  "log.appended": v.object({
    workspaceId: WorkspaceId,
    instanceId: InstanceId,
    sequence: v.number(),
    text: v.string(),
  }),
};

export type NotificationName = keyof typeof NOTIFICATIONS;
export type NotificationOf<N extends NotificationName> = v.InferOutput<(typeof NOTIFICATIONS)[N]>;
