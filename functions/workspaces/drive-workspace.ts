/** The launch queue's function: a message says only which workspace to look at. */
import { onQueue } from "#functions/runtime/middleware.ts";
import type { DriveMessage } from "#functions/runtime/queue.ts";
import { drive } from "./drive.ts";

export const handler = onQueue(
  {
    env: [
      "TABLE_NAME",
      "QUEUE_URL",
      "BUS_NAME",
      "CLUSTER_ARN",
      "BASE_TASK_DEFINITION",
      "FILE_SYSTEM_ID",
      "SUBNET_IDS",
      "SECURITY_GROUP_ID",
      "ROOT_KEY_PARAMETER",
      "DASHBOARD_ORIGIN",
      "WORKSPACE_HOST_SUFFIX",
    ],
  },
  ({ workspaceId }: DriveMessage) => drive(workspaceId),
);
