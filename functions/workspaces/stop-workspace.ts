/** workspace.stop */
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { askStop } from "./ask-stop.ts";
import { assertOwner } from "./own-workspace.ts";
import { presentWorkspace } from "./present-workspace.ts";
import { site } from "./site.ts";
import { updateWorkspace } from "./update-workspace.ts";

export const stopWorkspace: Handler<"workspace.stop"> = async ({ id }, call) => {
  const row = await updateWorkspace(id, (current) => {
    assertOwner(current, call.userId);
    return askStop(current, { at: clock.now(), by: "user", reason: "Stopped by its owner" });
  });
  assertOwner(row, call.userId);
  await askDriver(id);
  return { workspace: presentWorkspace(row, site()) };
};
