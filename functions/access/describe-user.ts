/** user.me */
import type { Handler } from "#functions/rpc/call.ts";
import { env } from "#functions/runtime/config.ts";
import { CLASSES } from "#functions/workspaces/classes.ts";

export const describeUser: Handler<"user.me"> = async (_params, call) => ({
  id: call.userId,
  name: call.name,
  ...(call.email === undefined ? {} : { email: call.email }),
  limits: { runningInstances: Number(env("MAX_RUNNING_INSTANCES")) },
  classes: [...CLASSES],
});
