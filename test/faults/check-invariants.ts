/** What must hold once a history has settled. */
import { parseInstanceId } from "#protocol/ids.ts";
import { takenSlots } from "./check-left.ts";
import { checkSecrets } from "./check-secrets.ts";
import { queueArns } from "./disturb-deliveries.ts";
import type { Monitor } from "./monitor.ts";
import type { People } from "./people.ts";
import { alarmedQueues } from "./read-template.ts";
import type { World } from "./world.ts";

interface Settled {
  readonly world: World;
  readonly monitor: Monitor;
  readonly people: People;
  /** Names of queues with an alarm, when these are not the template's. */
  readonly alarmed?: ReadonlySet<string> | undefined;
}

/** @returns what is still going on; `undefined` when nothing is */
export function isSettled({ world, monitor, people }: Settled): { invariant: number; text: string } | undefined {
  if (world.cloud === undefined) return { invariant: 1, text: "the cloud is down" };
  for (const row of monitor.rows.values()) {
    if (row.isDeleted) return { invariant: 1, text: `${row.id} is still being deleted` };
    if (row.phase !== "running" && row.phase !== "stopped") return { invariant: 1, text: `${row.id} is ${row.phase}` };
    if (row.phase === "stopped" && row.instance?.slotFreedAt === undefined)
      return { invariant: 4, text: `the slot of ${row.instance?.id} is not freed` };
  }
  const unwanted = world.machines.running.find(({ instanceId }) => {
    const row = monitor.rows.get(parseInstanceId(instanceId)?.workspaceId ?? "");
    return row?.instance?.id !== instanceId || row.phase !== "running";
  });
  if (unwanted) return { invariant: 2, text: `the task of ${unwanted.instanceId} runs, and nobody wants it` };
  const dead = [...monitor.rows.values()].find(
    (row) =>
      row.phase === "running" && !world.machines.running.some(({ instanceId }) => instanceId === row.instance?.id),
  );
  if (dead) return { invariant: 1, text: `${dead.id} is said to run, and has no task` };
  const slot = takenSlots(world).find(
    ({ instanceId }) => monitor.rows.get(parseInstanceId(instanceId)?.workspaceId ?? "")?.instance?.id !== instanceId,
  );
  if (slot) return { invariant: 4, text: `${slot.user} has a slot for ${slot.instanceId}, which is not there` };
  if (people.pending > 0) return { invariant: 1, text: `${people.pending} calls of people are not answered` };
  const different = people.findDifference(monitor.rows);
  return different === undefined ? undefined : { invariant: 3, text: different };
}

export async function checkEnd({ world, monitor, people, alarmed }: Settled): Promise<void> {
  for (const { instanceId, user } of people.accepted) {
    const phase = monitor.phases.get(instanceId);
    if (phase !== "running" && phase !== "stopped") monitor.violate(1, `the start ${instanceId} ended as ${phase}`);
    const row = monitor.rows.get(parseInstanceId(instanceId)?.workspaceId ?? "");
    if (row?.instance?.id !== instanceId || phase !== "stopped") continue;
    const shown = people.shown(user, row.id)?.instance;
    if (shown && Object.keys(shown.conditions).length === 0)
      monitor.violate(1, `${instanceId} stopped without a reason`);
  }
  for (const { instanceId, user } of takenSlots(world)) {
    if (monitor.phases.get(instanceId) === "stopped") monitor.violate(4, `${user} keeps a slot for ${instanceId}`);
  }
  await checkSecrets({ world, monitor, people });
  const alarms = alarmed ?? alarmedQueues();
  for (const arn of world.cloud ? queueArns(world.cloud) : []) {
    const queue = world.cloud?.services.sqs.queue(arn);
    const isDead = queue?.settings.redrive === undefined;
    const resting = queue?.counts().visible ?? 0;
    if (isDead && resting > 0 && !alarms.has(queue?.settings.name ?? "")) {
      monitor.violate(7, `${resting} messages rest in ${queue?.settings.name}, which has no alarm`);
    }
  }
}
