import { RegisterTaskDefinitionCommand, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { afterEach, describe, expect, it } from "vitest";
import { HeldClock } from "../clock.ts";
import { type Engine, type RunningTask, type TaskExit, TaskStartError } from "./engine.ts";
import { startTestCloud, type TestCloud, testDefinition, testRun } from "./test-cloud.ts";

let cloud: TestCloud;
afterEach(() => cloud.stop());

/** An engine of simulated tasks: each step happens when the test says so. */
class HeldEngine implements Engine {
  readonly name = "held";
  readonly notice = undefined;
  readonly prepared = Promise.withResolvers<void>();
  readonly exits: PromiseWithResolvers<TaskExit>[] = [];
  readonly stops: number[] = [];
  noCapacity: string | undefined;
  startError: Error | undefined;
  isStubborn = false;

  refusal(): string | undefined {
    return this.noCapacity;
  }
  async prepare(_task: unknown, signal: AbortSignal) {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
    await Promise.race([this.prepared.promise, aborted]);
    return { start: () => this.#start() };
  }
  async #start(): Promise<RunningTask> {
    if (this.startError !== undefined) throw this.startError;
    const exited = Promise.withResolvers<TaskExit>();
    this.exits.push(exited);
    return {
      memento: {},
      exited: exited.promise,
      stop: async (timeoutMs) => {
        this.stops.push(timeoutMs);
        if (this.isStubborn && timeoutMs > 0) await exited.promise;
        exited.resolve({ exitCode: 0 });
      },
      inspect: async () => ({ processes: [] }),
    };
  }
  async adopt(): Promise<undefined> {}
  async discard(): Promise<void> {}
}

async function start(engine: HeldEngine, clock = new HeldClock()): Promise<void> {
  cloud = await startTestCloud({ engine, clock });
  await cloud.client.send(new RegisterTaskDefinitionCommand(testDefinition(cloud.fileSystemId, "fsap-1")));
}
const run = (more: Parameters<typeof testRun>[0] = {}) => cloud.client.send(new RunTaskCommand(testRun(more)));
const stop = (task = "") => cloud.client.send(new StopTaskCommand({ cluster: "atelier", task }));
const reaches = (status: string) => cloud.until(({ detail }) => detail.lastStatus === status, status);
const statuses = () => cloud.events.map(({ detail }) => detail.lastStatus);

it("never starts a task that was asked to stop while it was prepared", async () => {
  const engine = new HeldEngine();
  await start(engine);
  const { tasks } = await run();
  await reaches("PENDING");
  await stop(tasks?.[0]?.taskArn);
  const { detail } = await reaches("STOPPED");
  expect(engine.exits).toEqual([]);
  expect(statuses()).toEqual(["PROVISIONING", "PENDING", "PENDING", "DEPROVISIONING", "STOPPED"]);
  expect(detail).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "Task stopped by user" });
});

it("stops with the definition's stop timeout, and keeps the first reason", async () => {
  const engine = new HeldEngine();
  engine.prepared.resolve();
  await start(engine);
  const { tasks } = await run();
  await reaches("RUNNING");
  await stop(tasks?.[0]?.taskArn);
  cloud.ecs.interrupt(tasks?.[0]?.taskArn ?? "");
  const { detail } = await reaches("STOPPED");
  expect(engine.stops).toEqual([2_000]);
  expect(detail.stopCode).toBe("UserInitiated");
});

it("ends by force after 30 s what does not stop when the cloud ends", async () => {
  const clock = new HeldClock();
  const engine = new HeldEngine();
  engine.isStubborn = true;
  engine.prepared.resolve();
  await start(engine, clock);
  await run();
  await reaches("RUNNING");
  const stopped = cloud.ecs.stop?.();
  await reaches("STOPPING");
  await clock.advance(29_999);
  expect(engine.stops).toEqual([2_000]);
  await clock.advance(1);
  await stopped;
  expect(engine.stops).toEqual([2_000, 0]);
  expect(clock.pending).toBe(0);
  expect((await reaches("STOPPED")).detail.stopCode).toBe("TerminationNotice");
});

it("says that a container's end by itself ended the task", async () => {
  const engine = new HeldEngine();
  engine.prepared.resolve();
  await start(engine);
  await run();
  await reaches("RUNNING");
  engine.exits[0]?.resolve({ exitCode: 137 });
  const { detail } = await reaches("STOPPED");
  expect(detail).toMatchObject({
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ exitCode: 137 }],
  });
  // What it left behind is ended too.
  expect(engine.stops).toHaveLength(1);
});

describe("a task that does not start", () => {
  it.each([
    [new TaskStartError("CannotStartContainerError", "no"), "CannotStartContainerError: no"],
    [new Error("a defect"), "a defect"],
  ])("is stopped with the reason: %s", async (error, reason) => {
    const engine = new HeldEngine();
    engine.startError = error;
    engine.prepared.resolve();
    await start(engine);
    await run();
    const { detail } = await reaches("STOPPED");
    expect(detail).toMatchObject({ stopCode: "TaskFailedToStart", stoppedReason: reason });
    expect(cloud.ecs.interfaces.all()).toEqual([]);
  });
});

it("answers missing capacity as a failure, so that the same token starts a task later", async () => {
  const engine = new HeldEngine();
  engine.noCapacity = "Capacity is unavailable at this time.";
  await start(engine);
  const { tasks, failures } = await run({ clientToken: "token" });
  expect(tasks).toEqual([]);
  expect(failures).toMatchObject([{ reason: "Capacity is unavailable at this time." }]);
  engine.noCapacity = undefined;
  expect((await run({ clientToken: "token" })).tasks).toHaveLength(1);
});

it("makes one task of two calls at once with the same token", async () => {
  await start(new HeldEngine());
  const answers = await Promise.all([run({ clientToken: "token" }), run({ clientToken: "token" })]);
  const arns = answers.map(({ tasks }) => tasks?.[0]?.taskArn);
  expect(new Set(arns).size).toBe(1);
  await reaches("PENDING");
  expect(statuses().filter((status) => status === "PROVISIONING")).toHaveLength(1);
});

it("throttles the 21st RunTask of a moment, and takes it when time has gone on", async () => {
  const clock = new HeldClock();
  await start(new HeldEngine(), clock);
  for (let i = 0; i < 20; i += 1) await run();
  await expect(run()).rejects.toMatchObject({ name: "ThrottlingException" });
  await clock.advance(50);
  await run();
});

it("forgets stopped tasks after an hour, and running ones never", async () => {
  const clock = new HeldClock();
  const engine = new HeldEngine();
  await start(engine, clock);
  const [one, two] = [await run(), await run()];
  const arn = ({ tasks }: typeof one) => tasks?.[0]?.taskArn ?? "";
  engine.prepared.resolve();
  await cloud.until(({ detail }) => detail.lastStatus === "RUNNING" && detail.taskArn === arn(two));
  await stop(arn(one));
  await cloud.until(({ detail }) => detail.lastStatus === "STOPPED" && detail.taskArn === arn(one));
  expect((await stop(arn(one))).task?.lastStatus).toBe("STOPPED");
  await clock.advance(61 * 60_000);
  await expect(stop(arn(one))).rejects.toMatchObject({ name: "InvalidParameterException" });
  expect((await stop(arn(two))).task?.taskArn).toBe(arn(two));
});
