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
  let isAsked = false;
  const row = await updateWorkspace(
    id,
    (current) => {
      assertOwner(current, call.userId);
      return askStop(current, { at: clock.now(), by: "user", reason: "Stopped by its owner" });
    },
    undefined,
    () => {
      isAsked = true;
      return askDriver(id);
    },
  );
  assertOwner(row, call.userId);
  // Asked for before: whoever did it may have been cut off before it told the driver.
  if (!isAsked) await askDriver(id);
  return { workspace: presentWorkspace(row, site()) };
};
