/** What must be gone once people want nothing any more: tasks, slots, folders, definitions, and every row that nobody needs. */
import { parseInstanceId } from "#protocol/ids.ts";
import type { Item } from "./memory-tables.ts";
import type { Monitor } from "./monitor.ts";
import type { World } from "./world.ts";

const MINUTE_MS = 60_000;

/**
 * Rows that may rest although nobody needs them: nothing says when they are over but the time, and what they say is worth nothing then.
 * The longest that each rests from now.
 */
const RESTING_MS: Readonly<Record<string, number>> = {
  /** Never redeemed: good for a minute, refused afterwards; TTL may take it an hour later. */
  TICKET: 62 * MINUTE_MS,
  /** That a request was carried out, for whoever sends it again. */
  REQUEST: 24 * 60 * MINUTE_MS,
  /** Of a socket that went without `$disconnect`: what API Gateway lets a socket live, and half an hour. */
  CONNECTION: 150 * MINUTE_MS,
};
/** One of a kind or one of a person, for good: the ends of lines, people, and the repositories that they opened. */
const LASTING = /^(LINE#[\w-]+ LINE|USER#[\w-]+ (USER|OPENED#.*))$/;

/** What should be gone: an end that did not come about (1), or what it should have taken with it (4). */
export interface Left {
  readonly invariant: 1 | 4;
  readonly text: string;
}

function left(text: string): Left {
  return { invariant: 4, text: `${text} is left` };
}

export async function findLeft(world: World, workspaceId: string): Promise<Left | undefined> {
  const row = world.tables.items().find((item) => isOf(workspaceId, keyOf(item)));
  if (row) return { ...left(keyOf(row)), invariant: 1 };
  const task = world.machines.running.find(({ instanceId }) => isOf(workspaceId, instanceId));
  if (task) return left(`a task of ${task.instanceId}`);
  const slot = takenSlots(world).find(({ instanceId }) => isOf(workspaceId, instanceId));
  if (slot) return left(`a slot for ${slot.instanceId}`);
  const points = await accessPoints(world);
  const point = points.find(({ ClientToken }) => ClientToken === workspaceId);
  if (point) return left(`the access point ${point.AccessPointId} of ${workspaceId}`);
  const directory = world.machines.directories.get(workspaceId) ?? "";
  if (world.machines.volumes.has(directory)) return left(`the folder ${directory} of ${workspaceId}`);
  const definition = await activeDefinition(world, workspaceId);
  return definition === undefined ? undefined : left(`the task definition ${definition}`);
}

/** @returns what is left of one run; its workspace and its volume stay */
export function findRunLeft(world: World, monitor: Monitor, instanceId: string): Left | undefined {
  const phase = monitor.phases.get(instanceId);
  if (phase !== "stopped") return { invariant: 1, text: `${instanceId} is ${phase}` };
  if (world.machines.running.some((one) => one.instanceId === instanceId)) return left(`a task of ${instanceId}`);
  const slot = takenSlots(world).find((one) => one.instanceId === instanceId);
  return slot && left(`a slot for ${instanceId}`);
}

/** After everybody has deleted everything. @returns what is left, in words @param workspaceIds of all that there ever were */
export async function findAnyLeft(world: World, workspaceIds: Iterable<string>): Promise<string | undefined> {
  for (const id of workspaceIds) {
    const found = await findLeft(world, id);
    if (found) return found.text;
  }
  const [directory] = world.machines.volumes.keys();
  if (directory) return `the folder ${directory} is left`;
  const point = (await accessPoints(world)).find(({ ClientToken }) => /-[a-z0-9]{8}$/.test(ClientToken));
  return point && `the access point ${point.AccessPointId} is left`;
}

/** After everybody has closed everything, too. @returns a row that rests, and should not, or not for so long */
export function findRestingRow(world: World): string | undefined {
  for (const item of world.tables.items()) {
    const key = keyOf(item);
    if (LASTING.test(key)) continue;
    const restsMs = RESTING_MS[/(TICKET|CONNECTION|REQUEST)#/.exec(key)?.[1] ?? ""];
    const ttl = Number(item.ttl?.N) * 1_000 - world.clock.now();
    if (restsMs === undefined) return `${key} rests, and nobody needs it`;
    if (!(ttl <= restsMs)) return `${key} rests for ${ttl / MINUTE_MS} minutes`;
    const connectionId = /CONNECTION#(\S+)/.exec(key)?.[1];
    if (connectionId && !world.troubled.has(connectionId)) return `${key} rests, and its socket was closed in peace`;
  }
  return undefined;
}

/** Rows of sockets, of which there must be none once API Gateway has told of their ends. */
export function hasConnections(world: World): boolean {
  return world.tables.items().some((item) => {
    const connectionId = /CONNECTION#(\S+)/.exec(keyOf(item))?.[1];
    return connectionId !== undefined && !world.troubled.has(connectionId);
  });
}

export function takenSlots(world: World): { user: string; instanceId: string }[] {
  return world.tables
    .items()
    .filter((item) => item.sk?.S === "USER")
    .flatMap((item) =>
      Object.keys((item.slots?.M as object | undefined) ?? {}).map((instanceId) => ({
        user: String(item.pk?.S),
        instanceId,
      })),
    );
}

function keyOf(item: Item): string {
  return `${item.pk?.S} ${item.sk?.S}`;
}

/** @param text an instance id, or the key of a row */
function isOf(workspaceId: string, text: string): boolean {
  const [, key = text] = /^(?:WORKSPACE|LOG)#(\S+)/.exec(text) ?? [];
  return key === workspaceId || parseInstanceId(key)?.workspaceId === workspaceId;
}

async function accessPoints(world: World): Promise<{ AccessPointId: string; ClientToken: string }[]> {
  const answer = await world.ask("efs", { method: "GET", path: "/2015-02-01/access-points" });
  return (JSON.parse(answer) as { AccessPoints: { AccessPointId: string; ClientToken: string }[] }).AccessPoints;
}

async function activeDefinition(world: World, workspaceId: string): Promise<string | undefined> {
  const headers = { "x-amz-target": "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition" };
  const body = JSON.stringify({ taskDefinition: `atelier-ws-${workspaceId}` });
  const answer = await world.ask("ecs", { method: "POST", path: "/", headers, body });
  return (JSON.parse(answer) as { taskDefinition?: { taskDefinitionArn: string } }).taskDefinition?.taskDefinitionArn;
}
