/** One measurement: workspaces are asked for, all of their sockets are cut, and all are stopped. */

import { GIT_HOST } from "../faults/git-host.ts";
import { Crowd } from "./scale-crowd.ts";
import { QUOTAS } from "./scale-model.ts";
import { isWorkspace, MINUTE_MS, prepareWorkspaces, signInAll, until } from "./scale-prepare.ts";
import { ScaleWorld } from "./scale-world.ts";

export interface Scenario {
  readonly size: number;
  /** `kept`: each has its volume and its task definition, as all have but at their first start. */
  readonly kind: "kept" | "new";
  readonly concurrency: number | undefined;
}

/** What was counted in a part of a scenario. */
export interface Part {
  readonly simulatedMs: number;
  readonly calls: readonly number[];
  readonly posts: readonly number[];
  readonly pushes: readonly number[];
  readonly counts: ReadonlyMap<string, number>;
  readonly dollars: ReadonlyMap<string, number>;
  readonly processorMs: number;
  readonly realMs: number;
}

/** What is known once all run. */
export interface Started {
  readonly scenario: Scenario;
  readonly start: Part;
  /** By the buckets alone, and with what each task takes by itself. */
  readonly bucketsMs: number;
  readonly leastMs: number;
  readonly launches: readonly number[];
  readonly lost: number;
  readonly ends: ReadonlyMap<string, number>;
  /** Of the calls that asked for the starts alone, milliseconds. */
  readonly asks: readonly number[];
  /** How often somebody was told that the server is too busy, and asked again. */
  readonly pressedAgain: number;
}

export interface Outcome extends Started {
  readonly reconnect: Part;
  readonly stop: Part;
  readonly leastStopMs: number;
  readonly notStopped: number;
  readonly mostConcurrent: number;
  readonly complaints: ReadonlyMap<string, number>;
  readonly errors: ReadonlyMap<string, number>;
  readonly memoryBytes: number;
  readonly realMs: number;
  /** Processor time of this program. */
  readonly processorMs: number;
  readonly functionsMs: number;
}

/** A person who is told to try again does so. */
const PRESS_AGAIN_MS = 3_000;

export async function runScenario(
  scenario: Scenario,
  say: (text: string) => void,
  onStarted: (started: Started) => void,
): Promise<Outcome> {
  const began = performance.now();
  const processorBefore = process.cpuUsage();
  const { size, kind, concurrency = QUOTAS.lambdaConcurrency } = scenario;
  const world = new ScaleWorld(concurrency);
  const { clock } = world;
  const crowd = new Crowd(world);
  const users = Array.from({ length: size }, (_, index) => `person-${String(index).padStart(5, "0")}`);
  await world.start();
  await signInAll(world, users);
  if (kind === "kept") await prepareWorkspaces(world, crowd, users);
  say(`${size} ${kind}: prepared after ${seconds(performance.now() - began)} s`);
  for (const [index, user] of users.entries())
    world.time.setTimeout(() => void crowd.openTab(user), (index * MINUTE_MS) / size);
  await until(world, () => crowd.tabs.size === size && crowd.connected === size && crowd.inStep, 5 * MINUTE_MS);
  say(`${crowd.connected} dashboards connected after ${seconds(performance.now() - began)} s`);

  const part = await begin(world, crowd);
  const askedAt = clock.now();
  const ids = new Map(
    [...world.tables.items()].filter(isWorkspace).map((item) => [String(item.ownerId?.S), String(item.id?.S)]),
  );
  crowd.runs.clear();
  let answered = 0;
  let pressedAgain = 0;
  const asks: number[] = [];
  for (const user of users) {
    const method = kind === "kept" ? "workspace.start" : "workspace.create";
    const id = ids.get(user);
    const params =
      kind === "kept" ? { id } : { contextUrl: `https://${GIT_HOST}/acme/shop`, requestId: `request-${user}` };
    const press = async (): Promise<void> => {
      if ((await crowd.call(user, method, params)) === undefined) {
        pressedAgain += 1;
        world.time.setTimeout(() => void press(), PRESS_AGAIN_MS);
        return;
      }
      answered += 1;
      asks.push(clock.now() - askedAt);
    };
    void press();
  }
  // Meanwhile each person looks around once.
  const lookMs = 50 + 20_000 / size;
  let looked = 0;
  const look = (): void => {
    if (looked === size) return;
    void crowd.call(users[looked] as string, "workspace.list", {});
    looked += 1;
    world.time.setTimeout(look, lookMs);
  };
  look();
  const isOver = (phase: string | undefined): boolean => phase === "running" || phase === "stopped";
  const allOver = (): boolean =>
    answered === size && crowd.runs.size >= size && [...crowd.runs.values()].every(({ phase }) => isOver(phase));
  const limitMs = kind === "new" ? size * 1_000 + 20 * MINUTE_MS : 30 * MINUTE_MS;
  await until(world, allOver, limitMs, (text) => {
    const left = [...crowd.runs.values()].filter(({ phase }) => !isOver(phase));
    const phases = list(count(left.map(({ phase, why }) => `${phase ?? "not asked for"}${why ? ` (${why})` : ""}`)));
    say(
      `${text}, ${seconds(performance.now() - began)} real s: ${size - left.length} are over; ${phases}; ${answered} answered`,
    );
  });
  const start = part();
  const ends = count(
    [...crowd.runs.values()].map(({ phase, why }) => (phase === "running" ? phase : `${phase} (${why ?? "?"})`)),
  );
  const running = [...crowd.runs.values()].filter(({ phase }) => phase === "running");
  const lost = size - running.length;
  const lastRunning = Math.max(...running.map(({ runningAt = 0 }) => runningAt));
  const timed = { ...start, simulatedMs: lastRunning - askedAt };
  const launches = running.map(({ launchedAt = 0 }) => launchedAt - askedAt).sort((a, b) => a - b);
  const { bucketsMs, leastMs } = leastTime(crowd, size, kind);
  const started: Started = { scenario, start: timed, bucketsMs, leastMs, launches, lost, ends, asks, pressedAgain };
  onStarted(started);
  say(`${running.length} run after ${seconds(timed.simulatedMs)} simulated s, ${seconds(performance.now() - began)} s`);

  await clock.runUntil(clock.now() + 5_000);
  const reconnecting = await begin(world, crowd);
  world.cutSockets();
  await until(world, () => crowd.connected === size && crowd.inStep, 10 * MINUTE_MS);
  const reconnect = reconnecting();
  say(`all reconnected after ${seconds(reconnect.simulatedMs)} simulated s, ${seconds(performance.now() - began)} s`);

  const stopping = await begin(world, crowd);
  const stopAt = clock.now();
  const living = [...crowd.runs].filter(([, { phase }]) => phase === "running").map(([id]) => id);
  const ownerOf = new Map(
    [...world.tables.items()].filter(isWorkspace).map((item) => [String(item.id?.S), String(item.ownerId?.S)]),
  );
  for (const id of living) void crowd.call(ownerOf.get(id) as string, "workspace.stop", { id });
  const allStopped = (): boolean => living.every((id) => crowd.runs.get(id)?.phase === "stopped");
  await until(world, allStopped, 15 * MINUTE_MS, (text) =>
    say(`${text}: stopping, after ${seconds(performance.now() - began)} s`),
  );
  const stop = { ...stopping() };
  const lastStopped = Math.max(...living.map((id) => crowd.runs.get(id)?.stoppedAt ?? 0));
  return {
    ...started,
    reconnect,
    stop: { ...stop, simulatedMs: lastStopped - stopAt },
    leastStopMs: Math.max(0, (living.length - 100) / 40) * 1_000 + 4_000,
    notStopped: living.filter((id) => crowd.runs.get(id)?.phase !== "stopped").length,
    mostConcurrent: world.functions.concurrency.most,
    complaints: world.complaints,
    errors: crowd.errors,
    memoryBytes: process.memoryUsage().rss,
    realMs: performance.now() - began,
    processorMs: process.cpuUsage(processorBefore).user / 1_000,
    functionsMs: world.processor.functionsMs,
  };
}

/** The k-th task that was launched could have been launched when the buckets have k tokens; then it takes what it took by itself. */
function leastTime(crowd: Crowd, size: number, kind: Scenario["kind"]): { bucketsMs: number; leastMs: number } {
  const bucketAt = (k: number): number =>
    Math.max(0, (k - 20) / 20, (k - 100) / 20, kind === "new" ? (k - 20) / 1 : 0) * 1_000;
  const runs = [...crowd.runs]
    .filter(([, { runningAt, launchedAt }]) => runningAt !== undefined && launchedAt !== undefined)
    .sort(([, a], [, b]) => (a.launchedAt ?? 0) - (b.launchedAt ?? 0));
  const ends = runs.map(([id, { launchedAt = 0, runningAt = 0 }], index) => {
    const byItself = runningAt - launchedAt - (crowd.postsOf.get(id) ?? 0);
    return bucketAt(index + 1) + byItself;
  });
  return { bucketsMs: bucketAt(size), leastMs: Math.max(...ends) };
}

async function begin(world: ScaleWorld, crowd: Crowd): Promise<() => Part> {
  const { clock, meter, processor } = world;
  meter.reset();
  crowd.calls = [];
  crowd.posts = [];
  crowd.pushes = [];
  const [from, real, processorMs] = [clock.now(), performance.now(), processor.functionsMs];
  return () => ({
    simulatedMs: clock.now() - from,
    calls: crowd.calls,
    posts: crowd.posts,
    pushes: crowd.pushes,
    counts: new Map(meter.counts),
    dollars: new Map(meter.dollars),
    processorMs: processor.functionsMs - processorMs,
    realMs: performance.now() - real,
  });
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, times]) => `${times} ${name}`).join(", ") || "none left";
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
