/** Nothing mounts a deleted workspace's directory any more: it is removed with all its files. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { EventBridgeEvent } from "#functions/runtime/aws-events.ts";
import { env } from "#functions/runtime/config.ts";
import { log } from "#functions/runtime/log.ts";
import { onBus } from "#functions/runtime/middleware.ts";

/** What names of volumes look like, and nothing that leads out of the folder. */
const NAME = /^[a-z2-7]{32}$/;

export const handler = onBus(
  { env: ["WORKSPACES_PATH"] },
  (event: EventBridgeEvent<string, { workspaceId: string; directory: string }>) =>
    removeDirectory(env("WORKSPACES_PATH"), event.detail.directory),
);

/** Right also when it is gone, or was never made: EFS makes it at the first mount. @throws Error for any other name */
export async function removeDirectory(folder: string, name: string): Promise<void> {
  if (!NAME.test(name)) throw new Error("This is not the name of a volume's directory; nothing was removed.");
  // A link is removed, not followed.
  await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  log.info("A directory was removed.");
}
