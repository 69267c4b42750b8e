/** The one way to change a row: read, apply, write over what was read, and tell everyone who watches. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { log } from "#functions/runtime/log.ts";
import { randomBytes } from "#functions/runtime/random.ts";
import { push } from "#functions/socket/push.ts";
import { AtelierError } from "#protocol/errors.ts";
import { type Fact, joinAll } from "./facts.ts";
import { least } from "./order.ts";
import { derive, isLater } from "./phase.ts";
import { presentWorkspace } from "./present-workspace.ts";
import { site } from "./site.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { getWorkspace, replaceWorkspace } from "./workspace-store.ts";

/** Writers of one row are few, so so many conflicts in a row mean that something is wrong. */
const MAX_TRIES = 12;

export type Change = (row: WorkspaceRow) => WorkspaceRow | undefined;

/** What need not wait until everyone is told. */
export type Afterwards = (row: WorkspaceRow) => Promise<unknown>;

/**
 * @param change pure; it may run several times. `undefined`, or an equal row, writes nothing.
 * @param known the row as this invocation has read it: saves reading it again, and is written over only if it is still the newest
 * @param afterwards done with the row that was written, while everyone is told; not at all when nothing was
 * @returns the row as it is afterwards; `undefined` when there is none
 * @throws AtelierError UNAVAILABLE after too many conflicts; and whatever `change` throws
 */
export async function updateWorkspace(
  id: string,
  change: Change,
  known?: WorkspaceRow,
  afterwards: Afterwards = async () => undefined,
): Promise<WorkspaceRow | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = tries === 0 && known ? known : await getWorkspace(id);
    if (!before) return undefined;
    const changed = change(before);
    if (changed === undefined || isDeepStrictEqual(changed, before)) return before;
    const after = { ...changed, revision: before.revision + 1, lastUsedAt: lastUsedAt(changed) };
    if (await replaceWorkspace(after)) {
      logPhase(before, after);
      const told = after.deleted ? undefined : announce(after);
      await afterwards(after).finally(() => told);
      return after;
    }
    await delay(5 + ((randomBytes(1)[0] ?? 0) * (tries + 1)) / 16);
  }
  throw new AtelierError("UNAVAILABLE", "Too much happened to this workspace at the same moment. Try again.");
}

/** Joins facts to an instance. A row whose instance is another by now stays as it is. */
export function joinFacts(
  workspaceId: string,
  instanceId: string,
  facts: readonly Fact[],
  known?: WorkspaceRow,
): Promise<WorkspaceRow | undefined> {
  return updateWorkspace(
    workspaceId,
    (row) => (row.instance?.id === instanceId ? { ...row, instance: joinAll(row.instance, facts) } : undefined),
    known,
  );
}

/** Tells the owner's sockets, and the instance's when it is to end: nothing else is news to it. Never throws. */
export function announce(row: WorkspaceRow): Promise<void> {
  const workspace = presentWorkspace(row, site());
  const isEnding = workspace.instance !== undefined && isLater(workspace.instance.phase, "running");
  const audience = { ownerId: row.ownerId, ...(isEnding ? { workspaceId: row.id } : {}) };
  return push(audience, "workspace.changed", { workspace });
}

function lastUsedAt({ instance, createdAt }: WorkspaceRow): number {
  if (!instance) return createdAt;
  const ended = least(derive(instance).stoppedAt);
  return Math.max(createdAt, instance.requestedAt, instance.stop?.at ?? 0, ended ?? 0);
}

function logPhase(before: WorkspaceRow, after: WorkspaceRow): void {
  if (!after.instance) return;
  const phase = derive(after.instance).phase;
  const was = before.instance?.id === after.instance.id ? derive(before.instance).phase : undefined;
  if (phase !== was) log.info("The phase changed.", { instanceId: after.instance.id, phase, was });
}
