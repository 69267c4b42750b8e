/** workspace.get */
import type { Handler } from "#functions/rpc/call.ts";
import { readLog } from "./log-store.ts";
import { getOwnWorkspace } from "./own-workspace.ts";
import { presentWorkspace } from "./present-workspace.ts";
import { site } from "./site.ts";

export const getWorkspace: Handler<"workspace.get"> = async ({ id, logAfter }, call) => {
  const row = await getOwnWorkspace(id, call.userId);
  const workspace = presentWorkspace(row, site());
  if (logAfter === undefined) return { workspace };
  return { workspace, log: row.instance ? await readLog(row.instance.id, logAfter) : [] };
};
