/** `kill -9` of `npm start` while people start, stop and delete, and while it starts itself: what the next start makes of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../faults/seeded-random.ts";
import { eventually, Person, type WireWorkspace } from "../person.ts";
import { startAtelier } from "../start-atelier.ts";
import { useAtelier } from "../use-atelier.ts";
import { findInVolumes } from "./find-in-volumes.ts";
import { findSupervisor, processesOf } from "./look-at-processes.ts";

const stage = useAtelier();

/** `.ci/run` has time for more. */
const ROUNDS = process.env.ATELIER_SEEDS ? 12 : 2;
const SEED = Number(process.env.ATELIER_KILL_SEED ?? 1);
const LONGEST_LIFE_MS = 4_000;
const WORKSPACES = 3;

/** What a person did last, and what they wrote. */
interface Memory {
  readonly id: string;
  wanted: "running" | "stopped" | "deleted";
  written: { readonly path: string; readonly text: string } | undefined;
}

describe("kill -9 of npm start, at whatever moment", () => {
  it(`loses no file and no start, leaves no process, and lets no state lie: ${ROUNDS} times, seed ${SEED}`, {
    timeout: ROUNDS * 120_000,
  }, async () => {
    const random = new SeededRandom(SEED, "kill");
    const memories: Memory[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const ada = await Person.signIn(stage.atelier.origin, "ada");
      await doSomething(ada, memories, random);
      await delay(random.between(0, LONGEST_LIFE_MS));
      await writeFiles(ada, memories, `# Round ${round}\n`);
      const left = instancesOf(stage.atelier.home);
      await stage.atelier.kill();
      if (random.chance(0.5)) await killWhileStarting(random.between(50, 2_000));
      const { home, port } = stage.atelier;
      stage.atelier = await startAtelier({ home, port });
      const again = await Person.signIn(stage.atelier.origin, "ada");
      await expectOver(again, left, `round ${round}`);
      await expectTruth(again, memories, `round ${round}`);
    }
  });
});

/** Asks for as many things as there may be workspaces, without waiting for what comes of them. */
async function doSomething(ada: Person, memories: Memory[], random: SeededRandom): Promise<void> {
  const living = memories.filter(({ wanted }) => wanted !== "deleted");
  for (let missing = WORKSPACES - living.length; missing > 0; missing -= 1) {
    const { id } = await ada.create(`${stage.git.url}/acme/shop.git`);
    memories.push({ id, wanted: "running", written: undefined });
  }
  for (const memory of living) {
    const { id, wanted } = memory;
    const next = wanted === "stopped" ? "running" : random.pick(["running", "stopped", "deleted"] as const);
    if (next === wanted) continue;
    const method = { running: "start", stopped: "stop", deleted: "delete" }[next];
    await ada.call(`workspace.${method}`, { id });
    memory.wanted = next;
    await delay(random.between(0, 300));
  }
}

/** People work until the last moment in what runs. */
async function writeFiles(ada: Person, memories: readonly Memory[], text: string): Promise<void> {
  for (const { id, instance } of await list(ada)) {
    const memory = memories.find((one) => one.id === id);
    if (!memory || instance?.phase !== "running") continue;
    const volume = findSupervisor(instance.id)?.environment.find((one) => one.startsWith("ATELIER_VOLUME="));
    const files = findInVolumes(stage.atelier.home, "shop/README.md");
    const path = volume && files.find((one) => one.startsWith(`${volume.split("=")[1]}/`));
    if (!path) continue;
    writeFileSync(path, text);
    memory.written = { path, text };
  }
}

async function killWhileStarting(afterMs: number): Promise<void> {
  const { home, port } = stage.atelier;
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "../../start.mjs")], {
    env: { ...process.env, NODE_OPTIONS: "", ATELIER_HOME: home, ATELIER_PORT: String(port) },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  await delay(afterMs);
  child.kill("SIGKILL");
  await ended;
}

async function list(ada: Person): Promise<WireWorkspace[]> {
  return (await ada.call<{ workspaces: WireWorkspace[] }>("workspace.list")).workspaces;
}

/** What had a task is shown within 10 s as what it is: it goes on, or it is over. */
async function expectOver(ada: Person, left: ReadonlySet<string>, when: string): Promise<void> {
  const { home } = stage.atelier;
  await eventually(
    `${when}: ${[...left].join(", ")} run and are said to run, or have stopped`,
    async () => {
      const all = await list(ada);
      const living = instancesOf(home);
      return all.every(({ instance: { id, phase } = { id: "", phase: "" } }) =>
        left.has(id) ? phase === (living.has(id) ? "running" : "stopped") : true,
      );
    },
    10_000,
  );
}

/** In the end each start that was accepted runs, or has stopped and says why; processes, files and the list agree. */
async function expectTruth(ada: Person, memories: readonly Memory[], when: string): Promise<void> {
  const { home } = stage.atelier;
  let all: WireWorkspace[] = [];
  const look = async (): Promise<boolean> => {
    all = await list(ada);
    const running = all.filter(({ instance }) => instance?.phase === "running").map(({ instance }) => instance?.id);
    const isSettled = all.every(({ instance }) => ["running", "stopped"].includes(instance?.phase ?? ""));
    return isSettled && isDeepStrictEqual(instancesOf(home), new Set(running)) && all.length === expected;
  };
  const expected = memories.filter(({ wanted }) => wanted !== "deleted").length;
  await eventually(when, look, 60_000).catch(() => {
    const phases = all.map(({ instance }) => `${instance?.id} is ${instance?.phase}`);
    const processes = processesOf(home).map(({ command, environment }) => `${instanceIn(environment)}: ${command}`);
    expect.fail([`${when}: ${expected} should be there, and agree with processes`, ...phases, ...processes].join("\n"));
  });
  for (const memory of memories) {
    const workspace = all.find(({ id }) => id === memory.id);
    if (workspace) expectAsRemembered(workspace, memory, when);
    else expect(memory.wanted, `${when}: ${memory.id} is gone`).toBe("deleted");
  }
}

function expectAsRemembered({ id, instance }: WireWorkspace, memory: Memory, when: string): void {
  const { written } = memory;
  if (written) expect(readFileSync(written.path, "utf8"), `${when}: the file of ${id}`).toBe(written.text);
  if (instance?.phase === "running") {
    expect(memory.wanted, `${when}: ${id} runs`).toBe("running");
    return;
  }
  const { interrupted, stoppedByRequest, failed } = instance?.conditions ?? {};
  const why = memory.wanted === "stopped" ? (stoppedByRequest ?? interrupted) : interrupted;
  expect(why, `${when}: ${id} says why it has stopped (${failed}): ${JSON.stringify(instance)}`).toBeTruthy();
  memory.wanted = "stopped";
}

/** Instances that have a process on this machine. */
function instancesOf(home: string): Set<string> {
  return new Set(processesOf(home).flatMap(({ environment }) => instanceIn(environment) ?? []));
}

function instanceIn(environment: readonly string[]): string | undefined {
  return environment.find((variable) => variable.startsWith("ATELIER_INSTANCE_ID="))?.split("=")[1];
}
