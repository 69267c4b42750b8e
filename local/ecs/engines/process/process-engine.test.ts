import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { RegisterTaskDefinitionCommand, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { CreateAccessPointCommand } from "@aws-sdk/client-efs";
import { afterEach, describe, expect, it } from "vitest";
import { startTestCloud, type TestCloud, type TestCloudOptions, testDefinition, testRun } from "../../test-cloud.ts";
import { environmentHolds, readProcess } from "./process-table.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "atelier-state-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(options: TestCloudOptions): Promise<TestCloud & { volume: string }> {
  const cloud = await startTestCloud(options);
  cleanups.push(() => cloud.stop());
  const { AccessPointId = "" } = await cloud.efsClient.send(
    new CreateAccessPointCommand({
      ClientToken: `token-${Math.random()}`,
      FileSystemId: cloud.fileSystemId,
      RootDirectory: { Path: "/w", CreationInfo: { OwnerUid: 1, OwnerGid: 1, Permissions: "0750" } },
    }),
  );
  await cloud.client.send(new RegisterTaskDefinitionCommand(testDefinition(cloud.fileSystemId, AccessPointId)));
  return { ...cloud, volume: await cloud.efs.folderOf(AccessPointId) };
}

async function run(cloud: TestCloud, more: Parameters<typeof testRun>[0] = {}): Promise<string> {
  const { tasks } = await cloud.client.send(new RunTaskCommand(testRun(more)));
  return tasks?.[0]?.taskArn ?? "";
}

const status = (taskArn: string, wanted: string) => (event: { detail: { taskArn: string; lastStatus: string } }) =>
  event.detail.taskArn === taskArn && event.detail.lastStatus === wanted;

/** Waits for a file that a task writes when it is as far, and reads it. */
async function written(file: string): Promise<string> {
  const deadline = Date.now() + 10_000;
  while (!existsSync(file) || readFileSync(file, "utf8") === "") {
    if (Date.now() > deadline) throw new Error(`${file} was not written within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return readFile(file, "utf8");
}
const lives = (pid: number) => readProcess(pid)?.isDead === false;

/** Children as hostile as they come: one in a session of its own, one that lost its parent too; none heeds SIGTERM. */
const family = `
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const sleeper = "process.on('SIGTERM', () => {}); process.on('SIGHUP', () => {}); setInterval(() => {}, 1000);";
const orphaned = "const c = require('node:child_process').spawn(process.execPath, ['-e', " + JSON.stringify(sleeper) +
  "], { detached: true, stdio: 'ignore' }); c.unref(); require('node:fs').writeFileSync(process.env.TEST_VOLUME + '/orphan', String(c.pid)); process.exit(0)";
const child = spawn(process.execPath, ["-e", sleeper], { stdio: "ignore" });
const detached = spawn(process.execPath, ["-e", sleeper], { stdio: "ignore", detached: true });
spawn(process.execPath, ["-e", orphaned], { stdio: "ignore" }).on("exit", () => {
  writeFileSync(process.env.TEST_VOLUME + "/family", JSON.stringify([process.pid, child.pid, detached.pid]));
  if (process.env.EXITS) process.exit(0);
});
process.on("SIGTERM", () => { if (!process.env.STUBBORN) process.exit(0); });
setInterval(() => {}, 1000);
`;

async function familyOf(volume: string): Promise<number[]> {
  const seen = JSON.parse(await written(path.join(volume, "family"))) as number[];
  const pids = [...seen, Number(await written(path.join(volume, "orphan")))];
  // A test that fails leaves nothing running either.
  cleanups.push(() => {
    for (const pid of pids) if (environmentHolds(pid, volume)) process.kill(pid, "SIGKILL");
  });
  return pids;
}

describe("stopping", () => {
  it("ends grandchildren that left the session, and the ephemeral disk", async () => {
    const stateDirectory = await temporaryFolder();
    const cloud = await start({ script: family, stateDirectory });
    const taskArn = await run(cloud);
    const pids = await familyOf(cloud.volume);
    expect(pids.map(lives)).toEqual([true, true, true, true]);
    expect(await readdir(path.join(stateDirectory, "process", "ephemeral"))).toHaveLength(1);
    await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task: taskArn }));
    const { detail } = await cloud.until(status(taskArn, "STOPPED"));
    expect(detail.containers).toMatchObject([{ exitCode: 0 }]);
    expect(pids.map(lives)).toEqual([false, false, false, false]);
    await cloud.ecs.stop?.();
    expect(await readdir(path.join(stateDirectory, "process", "ephemeral"))).toEqual([]);
  });

  it("ends by force what does not heed SIGTERM within the stop timeout", async () => {
    const cloud = await start({ script: family });
    const environment = [{ name: "STUBBORN", value: "1" }];
    const taskArn = await run(cloud, { overrides: { containerOverrides: [{ name: "workspace", environment }] } });
    const pids = await familyOf(cloud.volume);
    const askedAt = Date.now();
    await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task: taskArn }));
    const { detail } = await cloud.until(status(taskArn, "STOPPED"));
    expect(Date.now() - askedAt).toBeGreaterThanOrEqual(1_990);
    expect(detail.containers).toMatchObject([{ exitCode: 137 }]);
    expect(pids.map(lives)).toEqual([false, false, false, false]);
  });

  it("ends every task when the cloud is stopped, and says why", async () => {
    const cloud = await start({ script: family });
    const taskArn = await run(cloud);
    const pids = await familyOf(cloud.volume);
    await cloud.ecs.stop?.();
    expect(cloud.events.at(-1)?.detail).toMatchObject({
      taskArn,
      lastStatus: "STOPPED",
      stopCode: "TerminationNotice",
      stoppedReason: "Atelier was ended on this machine",
    });
    expect(pids.map(lives)).toEqual([false, false, false, false]);
  });
});

describe("a task that fails", () => {
  it("says what a command wrote that ended at once", async () => {
    const cloud = await start({ script: `console.error("\\u001b[31mno disk for me\\u001b[0m"); process.exit(3)` });
    const { detail } = await cloud.until(status(await run(cloud), "STOPPED"));
    expect(detail).toMatchObject({
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited: no disk for me",
      containers: [{ exitCode: 3 }],
    });
  });

  it("ends what the main process leaves behind when it exits by itself", async () => {
    const cloud = await start({ script: family });
    const environment = [{ name: "EXITS", value: "1" }];
    const taskArn = await run(cloud, { overrides: { containerOverrides: [{ name: "workspace", environment }] } });
    const pids = await familyOf(cloud.volume);
    const { detail } = await cloud.until(status(taskArn, "STOPPED"));
    expect(detail).toMatchObject({ stopCode: "EssentialContainerExited", containers: [{ exitCode: 0 }] });
    expect(pids.map(lives)).toEqual([false, false, false, false]);
  });

  it("says that an unknown image cannot be pulled", async () => {
    const cloud = await start({});
    const definition = testDefinition(cloud.fileSystemId, "fsap-0");
    const containers = definition.containerDefinitions.map((each) => ({ ...each, image: "docker.io/library/nginx:1" }));
    const unknown = { ...definition, family: "unknown", containerDefinitions: containers };
    await cloud.client.send(new RegisterTaskDefinitionCommand(unknown));
    const { detail } = await cloud.until(status(await run(cloud, { taskDefinition: "unknown" }), "STOPPED"));
    expect(detail).toMatchObject({ stopCode: "TaskFailedToStart" });
    expect(detail.stoppedReason).toMatch(/^CannotPullContainerError: .*nginx:1.*atelier\/workspace/);
    expect(detail.startedAt).toBeUndefined();
  });

  it("says that a volume is not there", async () => {
    const cloud = await start({});
    const definition = { ...testDefinition(cloud.fileSystemId, "fsap-0"), family: "lost" };
    await cloud.client.send(new RegisterTaskDefinitionCommand(definition));
    const { detail } = await cloud.until(status(await run(cloud, { taskDefinition: "lost" }), "STOPPED"));
    expect(detail.stoppedReason).toMatch(/^ResourceInitializationError: .*fsap-0 does not exist/);
  });
});

describe("after the program was killed", () => {
  /** Runs a cloud with one task in a program of its own, and kills that. */
  async function killedCloud(stateDirectory: string): Promise<{ taskArn: string; pids: number[] }> {
    const testCloud = new URL("../../test-cloud.ts", import.meta.url).href;
    const program = path.join(stateDirectory, "program.mjs");
    await writeFile(
      program,
      `import { startTestCloud, testDefinition, testRun } from ${JSON.stringify(testCloud)};
       import { CreateAccessPointCommand } from ${JSON.stringify(import.meta.resolve("@aws-sdk/client-efs"))};
       import { RegisterTaskDefinitionCommand, RunTaskCommand } from ${JSON.stringify(import.meta.resolve("@aws-sdk/client-ecs"))};
       const cloud = await startTestCloud(${JSON.stringify({ script: family, stateDirectory })});
       const { AccessPointId } = await cloud.efsClient.send(new CreateAccessPointCommand({ ClientToken: "t", FileSystemId: cloud.fileSystemId }));
       await cloud.client.send(new RegisterTaskDefinitionCommand(testDefinition(cloud.fileSystemId, AccessPointId)));
       const { tasks } = await cloud.client.send(new RunTaskCommand(testRun()));
       await cloud.until(({ detail }) => detail.lastStatus === "RUNNING");
       console.log(JSON.stringify({ taskArn: tasks[0].taskArn, volume: await cloud.efs.folderOf(AccessPointId) }));`,
    );
    const child: ChildProcess = spawn(process.execPath, [program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: stateDirectory },
    });
    cleanups.push(() => child.kill("SIGKILL"));
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
      child.once("exit", () => reject(new Error("the cloud ended by itself")));
    });
    const { taskArn, volume } = JSON.parse(line) as { taskArn: string; volume: string };
    const pids = await familyOf(volume);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    expect(pids.map(lives)).toEqual([true, true, true, true]);
    return { taskArn, pids };
  }

  async function changeRecord(stateDirectory: string, change: (task: Record<string, unknown>) => void): Promise<void> {
    const folder = path.join(stateDirectory, "ecs", "tasks");
    const [name = ""] = await readdir(folder);
    const record = JSON.parse(await readFile(path.join(folder, name), "utf8")) as { value: Record<string, unknown> };
    change(record.value);
    await writeFile(path.join(folder, name), JSON.stringify(record));
  }

  it("ends what was left, and tells so at the next start and at the one after", async () => {
    const stateDirectory = await temporaryFolder();
    const { taskArn, pids } = await killedCloud(stateDirectory);

    const next = await start({ stateDirectory });
    const { detail } = await next.until(status(taskArn, "STOPPED"));
    expect(detail).toMatchObject({
      stopCode: "TerminationNotice",
      stoppedReason: "The embedded cloud was ended while this task ran",
    });
    expect(detail.version).toBeGreaterThan(4);
    expect(pids.map(lives)).toEqual([false, false, false, false]);
    await next.ecs.stop?.();

    // Whoever listens may have been killed before it acted on it.
    const again = await start({ stateDirectory });
    expect((await again.until(status(taskArn, "STOPPED"))).detail).toEqual(detail);
  });

  it("finds the processes of a task of which no process was written down", async () => {
    const stateDirectory = await temporaryFolder();
    const { taskArn, pids } = await killedCloud(stateDirectory);
    await changeRecord(stateDirectory, (task) => {
      delete task.memento;
      task.lastStatus = "ACTIVATING";
    });
    const next = await start({ stateDirectory });
    await next.until(status(taskArn, "STOPPED"));
    expect(pids.map(lives)).toEqual([false, false, false, false]);
  });

  it("leaves a process alone that has got the pid of a task's since", async () => {
    const stateDirectory = await temporaryFolder();
    const { taskArn } = await killedCloud(stateDirectory);
    const bystander = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    cleanups.push(() => bystander.kill("SIGKILL"));
    await changeRecord(stateDirectory, (task) => {
      task.memento = { ...(task.memento as object), pid: bystander.pid };
    });
    const next = await start({ stateDirectory });
    await next.until(status(taskArn, "STOPPED"));
    expect(lives(bystander.pid as number)).toBe(true);
  });

  it("ends tasks whose processes are gone, and removes their ephemeral disks", async () => {
    const stateDirectory = await temporaryFolder();
    const { taskArn, pids } = await killedCloud(stateDirectory);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await mkdir(path.join(stateDirectory, "process", "ephemeral", "forgotten"));
    const next = await start({ stateDirectory });
    expect((await next.until(status(taskArn, "STOPPED"))).detail.stopCode).toBe("TerminationNotice");
    await next.ecs.stop?.();
    const deadline = Date.now() + 10_000;
    while ((await readdir(path.join(stateDirectory, "process", "ephemeral"))).length > 0) {
      expect(Date.now()).toBeLessThan(deadline);
    }
  });
});
