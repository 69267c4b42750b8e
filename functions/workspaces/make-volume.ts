/** The driver's step that makes a workspace's volume, once in its life. */
import { clock } from "#functions/runtime/clock.ts";
import { log } from "#functions/runtime/log.ts";
import { isFromCloud, kindOfError, permanentText } from "./cloud-error.ts";
import { type Fact, type Instance, joinAll } from "./facts.ts";
import { joinFacts, updateWorkspace } from "./update-workspace.ts";
import { findTaskDefinition, makeAccessPoint, makeTaskDefinition, removeTaskDefinition } from "./volume-store.ts";
import { waitForTurn } from "./wait-for-turn.ts";
import type { Volume, WorkspaceRow } from "./workspace-row.ts";

export async function makeVolume(row: WorkspaceRow, instance: Instance): Promise<"done" | "later" | number> {
  const startedAt = clock.now();
  const made: { accessPointId?: string } = {};
  try {
    await build(row, instance, startedAt, made);
    return "done";
  } catch (error) {
    if (!isFromCloud(error)) throw error;
    if (kindOfError(error) === "permanent") {
      log.error("A volume cannot be made.", { error });
      const message = permanentText("Its volume could not be made", error);
      await joinFacts(row.id, instance.id, [
        { kind: "volume", startedAt },
        { kind: "failure", at: clock.now(), message },
      ]);
      return "done";
    }
    log.warn("A volume waits for AWS.", { error });
    return waitForTurn(row, instance, "make-volume", { facts: [{ kind: "volume", startedAt }], made });
  }
}

/** What AWS was asked for is written down before, and what it answered after, so that nothing is left when this is killed. */
async function build(
  row: WorkspaceRow,
  instance: Instance,
  startedAt: number,
  made: { accessPointId?: string },
): Promise<void> {
  const { askedAt } = row.volume;
  const asked =
    askedAt === undefined && (await keep(row, instance, { askedAt: startedAt }, [{ kind: "volume", startedAt }]));
  const accessPointId = row.volume.accessPointId ?? (await makeAccessPoint(row.id, row.volume.directory));
  made.accessPointId = accessPointId;
  // Whoever asks first need not look for what others have left.
  const isFirst = asked && asked.volume.askedAt === startedAt;
  const left = isFirst ? undefined : await findTaskDefinition(row.id, accessPointId);
  const taskDefinitionArn = left ?? (await makeTaskDefinition(row.id, accessPointId));
  const facts: Fact[] = [{ kind: "volume", startedAt, readyAt: clock.now() }];
  const after = await keep(row, instance, { accessPointId, taskDefinitionArn }, facts);
  // Two drivers at once: the other's definition was written first, so this one is one too many.
  if (after && after.volume.taskDefinitionArn !== taskDefinitionArn) await removeTaskDefinition(taskDefinitionArn);
}

function keep(
  row: WorkspaceRow,
  instance: Instance,
  made: Partial<Volume>,
  facts: readonly Fact[],
): Promise<WorkspaceRow | undefined> {
  return updateWorkspace(row.id, (current) => ({
    ...current,
    // What is there stays.
    volume: { ...made, ...current.volume },
    ...(current.instance?.id === instance.id ? { instance: joinAll(current.instance, facts) } : {}),
  }));
}
