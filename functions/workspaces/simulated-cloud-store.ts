/**
 * For tests: what AWS does for the functions, scripted at the SDK's boundary and on simulated time, beside a real table
 * (dynalite). It keeps AWS's promises (client tokens, versions, events) and breaks what AWS may break when it is told to.
 */
import { createHash } from "node:crypto";
import { setClock } from "#functions/runtime/clock.ts";
import { table } from "#functions/runtime/table.ts";
import { scriptEcs } from "./simulated-ecs-store.ts";
import { scriptOthers } from "./simulated-services-store.ts";

export interface SimulatedTask {
  taskArn: string;
  clientToken: string;
  parameters: string;
  startedBy: string;
  family: string;
  lastStatus: string;
  desiredStatus: string;
  version: number;
  environment: Record<string, string>;
  stopCode?: string;
  stoppedReason?: string;
  createdAt: string;
  startedAt?: string;
  stoppingAt?: string;
  stoppedAt?: string;
}

/** The machine went away in the middle: nothing of this process happens any more. */
export class Killed extends Error {}

const LIFE = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"];

export class SimulatedCloud {
  now = 1_800_000_000_000;
  readonly tasks = new Map<string, SimulatedTask>();
  readonly accessPoints = new Map<string, { token: string; path: string }>();
  readonly definitions = new Map<string, { family: string; active: boolean; input: Record<string, unknown> }>();
  readonly messages: { workspaceId: string; at: number }[] = [];
  /** `detail` of task events that are on their way. */
  readonly taskEvents: Record<string, unknown>[] = [];
  readonly busEvents: { type: string; detail: Record<string, unknown> }[] = [];
  readonly pushes: { connectionId: string; method: string; params: Record<string, never> }[] = [];
  /** Errors that the next calls of a command are answered with. */
  readonly failures = new Map<string, (Error | { failures: { reason: string }[] })[]>();
  /** Commands in the order in which they came, tables apart. */
  readonly calls: string[] = [];
  losesEvents = false;
  namesAreLate = false;
  /** Kills the process at the so-manieth call from now, before or after it has its effect. */
  kill: { calls: number; after: boolean } | undefined;
  #isDead = false;
  serial = 0;
  readonly restore: (() => void)[] = [];

  constructor() {
    this.restore.push(setClock({ now: () => this.now }));
    Object.assign(process.env, {
      QUEUE_URL: "https://queue.example/launches",
      BUS_NAME: "atelier",
      CLUSTER_ARN: "arn:aws:ecs:us-east-1:1:cluster/atelier",
      BASE_TASK_DEFINITION: "atelier-base:1",
      FILE_SYSTEM_ID: "fs-1",
      SUBNET_IDS: "subnet-1,subnet-2",
      SECURITY_GROUP_ID: "sg-1",
      ROOT_KEY_PARAMETER: "/atelier/root-key",
      DASHBOARD_ORIGIN: "http://localhost:4000",
      WORKSPACE_HOST_SUFFIX: ".ws.localhost:4000",
      MAX_RUNNING_INSTANCES: "2",
      OIDC_PROVIDER: "local",
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "http://127.0.0.1:1/socket",
    });
    this.definitions.set("atelier-base:1", {
      family: "atelier-base",
      active: true,
      input: {
        containerDefinitions: [{ name: "workspace", image: "x" }],
        volumes: [{ name: "workspace", efsVolumeConfiguration: { fileSystemId: "fs-1" } }],
        cpu: "2048",
        memory: "4096",
        compatibilities: ["EC2"],
      },
    });
    scriptEcs(this);
    scriptOthers(this);
    this.#countTableCalls();
  }

  end(): void {
    for (const restore of this.restore.reverse()) restore();
  }

  /** Runs one process; swallows that it was killed. @returns whether it was */
  async process(work: () => Promise<unknown>): Promise<boolean> {
    this.#isDead = false;
    try {
      await work();
      return this.#isDead;
    } catch (error) {
      if (!this.#isDead) throw error;
      return true;
    } finally {
      this.#isDead = false;
    }
  }

  /** Every task goes one status further. */
  advanceTasks(): boolean {
    let moved = false;
    for (const task of this.tasks.values()) {
      if (task.lastStatus === "STOPPED") continue;
      const next = task.desiredStatus === "STOPPED" ? "STOPPED" : LIFE[LIFE.indexOf(task.lastStatus) + 1];
      if (!next) continue;
      moved = true;
      task.lastStatus = next;
      if (next === "RUNNING") task.startedAt = this.iso();
      if (next === "STOPPED") task.stoppedAt = this.iso();
      this.announce(task);
    }
    return moved;
  }

  /** ECS ends a task for a reason of its own. */
  endTask(task: SimulatedTask, stopCode: string, stoppedReason: string): void {
    Object.assign(task, { desiredStatus: "STOPPED", stopCode, stoppedReason, stoppingAt: this.iso() });
    this.announce(task);
  }

  get livingTasks(): SimulatedTask[] {
    return [...this.tasks.values()].filter(({ lastStatus }) => lastStatus !== "STOPPED");
  }

  fail(command: string, ...answers: (Error | { failures: { reason: string }[] })[]): void {
    this.failures.set(command, answers);
  }

  iso(): string {
    return new Date(this.now).toISOString();
  }

  announce(task: SimulatedTask): void {
    task.version += 1;
    if (!this.losesEvents) this.taskEvents.push(this.describe(task));
  }

  describe(task: SimulatedTask): Record<string, unknown> {
    const { clientToken: _, parameters: __, environment: ___, family: ____, ...rest } = task;
    const hasNetwork = task.lastStatus !== "PROVISIONING";
    const value = createHash("sha256").update(task.taskArn).digest("hex").slice(0, 8);
    const attachments = hasNetwork
      ? [{ type: "eni", details: [{ name: "networkInterfaceId", value: `eni-${value}` }] }]
      : [];
    return { ...rest, updatedAt: this.iso(), attachments };
  }

  #enter(command: string): unknown {
    if (this.#isDead) throw new Killed();
    this.calls.push(command);
    if (this.#isHit(false)) throw new Killed();
    return this.failures.get(command)?.shift();
  }

  #isHit(after: boolean): boolean {
    if (!this.kill || this.kill.after !== after) return false;
    this.kill.calls -= 1;
    if (this.kill.calls > 0) return false;
    this.kill = undefined;
    this.#isDead = true;
    return true;
  }

  #answer<T>(value: T): T {
    if (this.#isHit(true)) throw new Killed();
    return value;
  }

  script<I, O>(command: { name: string }, script: (input: I) => O): (input: I) => Promise<O> {
    return async (input) => {
      const failure = this.#enter(command.name);
      if (failure instanceof Error) throw failure;
      if (failure) return failure as O;
      return this.#answer(script(input));
    };
  }

  /** Calls to the table are real, and a process can be killed at each of them. */
  #countTableCalls(): void {
    const name = `simulated-${Math.random()}`;
    table.middlewareStack.add(
      (next, context) => async (args) => {
        if (this.#isDead) throw new Killed();
        const isWrite = /Put|Update|Delete|BatchWrite/.test(context.commandName ?? "");
        if (isWrite && this.#isHit(false)) throw new Killed();
        const result = await next(args);
        if (isWrite && this.#isHit(true)) throw new Killed();
        return result;
      },
      { step: "initialize", name },
    );
    this.restore.push(() => table.middlewareStack.remove(name));
  }
}
