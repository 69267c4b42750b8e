/** What there is before anything is measured: people who signed in, and workspaces that were made, run and stopped before. */
import { GIT_HOST } from "../faults/git-host.ts";
import type { Item } from "../faults/memory-tables.ts";
import type { Crowd } from "./scale-crowd.ts";
import type { ScaleWorld } from "./scale-world.ts";

export const MINUTE_MS = 60_000;

/** What signing in writes. */
export async function signInAll(world: ScaleWorld, users: readonly string[]): Promise<void> {
  const table = world.tables.open(() => true);
  for (const user of users) {
    const Item = { pk: { S: `USER#${user}` }, sk: { S: "USER" }, name: { S: user }, slots: { M: {} } };
    await table.call("PutItem", { TableName: world.tableName, Item });
  }
}

/** One workspace is really made, and the others are like it: their access points and task definitions are really registered. */
export async function prepareWorkspaces(world: ScaleWorld, crowd: Crowd, users: readonly string[]): Promise<void> {
  const { clock, tables } = world;
  const [first = "", ...others] = users;
  await crowd.openTab(first);
  await clock.runUntil(clock.now() + 5_000);
  void crowd.call(first, "workspace.create", {
    contextUrl: `https://${GIT_HOST}/acme/shop`,
    requestId: "the-first-request",
  });
  await until(world, () => [...crowd.runs.values()].some(({ phase }) => phase === "running"), 5 * MINUTE_MS);
  const id = [...crowd.runs.keys()][0] ?? "";
  void crowd.call(first, "workspace.stop", { id });
  await until(world, () => crowd.runs.get(id)?.phase === "stopped", 5 * MINUTE_MS);
  await clock.runUntil(clock.now() + 10_000);
  crowd.tabs.get(first)?.close();
  crowd.tabs.clear();
  const item = tables.items().find(isWorkspace);
  if (!item) throw new Error(`None could be made: ${JSON.stringify([...crowd.errors, ...world.complaints])}`);
  const volume = item.volume?.M as Record<string, { S: string }>;
  const arn = volume.taskDefinitionArn?.S ?? "";
  const { taskDefinition } = (await world.prepare("ecs", "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition", {
    taskDefinition: arn,
  })) as { taskDefinition: Record<string, unknown> };
  const {
    taskDefinitionArn: _,
    revision: __,
    status: ___,
    compatibilities: ____,
    registeredAt: _____,
    ...base
  } = taskDefinition;
  const table = tables.open(() => true);
  const text = JSON.stringify(item);
  for (const [index, user] of others.entries()) {
    const otherId = id.replace(/.{8}$/, `x${String(index).padStart(7, "0")}`);
    const directory = `${(volume.directory?.S ?? "").slice(6)}${String(index).padStart(6, "0")}`;
    const accessPoint = await world.prepareAccessPoint(otherId, directory);
    const mine = (of: string): string =>
      of
        .replaceAll(id, otherId)
        .replaceAll(first, user)
        .replaceAll(volume.accessPointId?.S ?? "", accessPoint)
        .replaceAll(volume.directory?.S ?? "", directory);
    await clock.runUntil(clock.now() + 1_000);
    await world.prepare(
      "ecs",
      "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
      JSON.parse(mine(JSON.stringify(base))) as object,
    );
    await table.call("PutItem", { TableName: world.tableName, Item: JSON.parse(mine(text)) });
  }
}

/** Time passes until it is so, or until the limit. @param say told every 20 s */
export async function until(
  world: ScaleWorld,
  isDone: () => boolean,
  limitMs: number,
  say: (text: string) => void = () => undefined,
): Promise<void> {
  const { clock } = world;
  const from = clock.now();
  while (!isDone() && clock.now() - from < limitMs) {
    await clock.runUntil(clock.now() + 250);
    if ((clock.now() - from) % 20_000 < 250) say(`${(clock.now() - from) / 1_000} simulated s`);
  }
}

export function isWorkspace(item: Item): boolean {
  return item.sk?.S === "WORKSPACE";
}
