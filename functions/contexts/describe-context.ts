/** context.resolve */
import { wasOpened } from "#functions/access/user-store.ts";
import type { Handler } from "#functions/rpc/call.ts";
import { DEFAULT_CLASS } from "#functions/workspaces/classes.ts";
import { listWorkspacesOf } from "#functions/workspaces/workspace-store.ts";
import type { Context } from "#protocol/context.ts";
import { resolveContext } from "./resolve-context.ts";

export const describeContext: Handler<"context.resolve"> = async (params, call) => {
  const [{ contextUrl, context }, workspaces] = await Promise.all([
    resolveContext(params.contextUrl),
    listWorkspacesOf(call.userId),
  ]);
  const existing = workspaces
    .filter(
      (workspace) =>
        workspace.context.repository.cloneUrl === context.repository.cloneUrl && workspace.context.ref === context.ref,
    )
    .sort((a, b) => b.lastUsedAt - a.lastUsedAt)
    .map(({ id }) => id);
  const known = !mayBeAnybodys(context) && (await wasOpened(call.userId, context.repository.cloneUrl));
  return { contextUrl, context, known, class: DEFAULT_CLASS, existing };
};

/**
 * Whether who may not write to the repository can have put the code there: pull requests are refs of it, and hosts hand out commits of
 * forks as if they were its own. A link to such code waits for a click, however well the repository is known.
 */
function mayBeAnybodys({ kind }: Context): boolean {
  return kind === "pull-request" || kind === "commit";
}
