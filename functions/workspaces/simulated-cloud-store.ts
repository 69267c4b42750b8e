/**
 * For tests: what AWS does for the functions, scripted at the SDK's boundary and on simulated time, beside a real table
 * (dynalite). It keeps AWS's promises (client tokens, versions, events) and breaks what AWS may break when it is told to.
 */
import { createHash } from "node:crypto";
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { DescribeNetworkInterfacesCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { CreateAccessPointCommand, DeleteAccessPointCommand, EFSClient } from "@aws-sdk/client-efs";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type AwsClientStub, mockClient } from "aws-sdk-client-mock";
import { setClock } from "#functions/runtime/clock.ts";
import { table } from "#functions/runtime/table.ts";

type EcsMock = AwsClientStub<ECSClient>;

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
  #serial = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    this.#restore.push(setClock({ now: () => this.now }));
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
    this.#scriptEcs();
    this.#scriptOthers();
    this.#countTableCalls();
  }

  end(): void {
    for (const restore of this.#restore.reverse()) restore();
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
      if (next === "RUNNING") task.startedAt = this.#iso();
      if (next === "STOPPED") task.stoppedAt = this.#iso();
      this.#announce(task);
    }
    return moved;
  }

  /** ECS ends a task for a reason of its own. */
  endTask(task: SimulatedTask, stopCode: string, stoppedReason: string): void {
    Object.assign(task, { desiredStatus: "STOPPED", stopCode, stoppedReason, stoppingAt: this.#iso() });
    this.#announce(task);
  }

  get livingTasks(): SimulatedTask[] {
    return [...this.tasks.values()].filter(({ lastStatus }) => lastStatus !== "STOPPED");
  }

  fail(command: string, ...answers: (Error | { failures: { reason: string }[] })[]): void {
    this.failures.set(command, answers);
  }

  #iso(): string {
    return new Date(this.now).toISOString();
  }

  #announce(task: SimulatedTask): void {
    task.version += 1;
    if (!this.losesEvents) this.taskEvents.push(this.#describe(task));
  }

  #describe(task: SimulatedTask): Record<string, unknown> {
    const { clientToken: _, parameters: __, environment: ___, family: ____, ...rest } = task;
    const hasNetwork = task.lastStatus !== "PROVISIONING";
    const value = createHash("sha256").update(task.taskArn).digest("hex").slice(0, 8);
    const attachments = hasNetwork
      ? [{ type: "eni", details: [{ name: "networkInterfaceId", value: `eni-${value}` }] }]
      : [];
    return { ...rest, updatedAt: this.#iso(), attachments };
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

  #script<I, O>(command: { name: string }, script: (input: I) => O): (input: I) => Promise<O> {
    return async (input) => {
      const failure = this.#enter(command.name);
      if (failure instanceof Error) throw failure;
      if (failure) return failure as O;
      return this.#answer(script(input));
    };
  }

  #scriptEcs(): void {
    const ecs: EcsMock = mockClient(ECSClient);
    this.#restore.push(() => ecs.restore());
    ecs.on(RunTaskCommand).callsFake(
      this.#script(RunTaskCommand, (input: Record<string, never>) => {
        const { clientToken, startedBy, taskDefinition, overrides } = input as unknown as {
          clientToken: string;
          startedBy: string;
          taskDefinition: string;
          overrides: { containerOverrides: { environment: { name: string; value: string }[] }[] };
        };
        const parameters = JSON.stringify(input);
        const known = [...this.tasks.values()].find((task) => task.clientToken === clientToken);
        if (known && known.parameters !== parameters) {
          throw cloudError("ConflictException", "other parameters", { resourceIds: [known.taskArn] });
        }
        if (known) return { tasks: [this.#describe(known)] };
        if (!this.definitions.get(taskDefinition)?.active)
          throw cloudError("ClientException", "TaskDefinition is inactive");
        this.#serial += 1;
        const task: SimulatedTask = {
          taskArn: `arn:aws:ecs:us-east-1:1:task/atelier/${this.#serial}`,
          clientToken,
          parameters,
          startedBy,
          family: this.definitions.get(taskDefinition)?.family ?? "",
          lastStatus: "PROVISIONING",
          desiredStatus: "RUNNING",
          version: 0,
          environment: Object.fromEntries(
            (overrides.containerOverrides[0]?.environment ?? []).map(({ name, value }) => [name, value]),
          ),
          createdAt: this.#iso(),
        };
        this.tasks.set(task.taskArn, task);
        this.#announce(task);
        return { tasks: [this.#describe(task)] };
      }),
    );
    ecs.on(StopTaskCommand).callsFake(
      this.#script(StopTaskCommand, ({ task: arn, reason }: { task: string; reason: string }) => {
        const task = this.tasks.get(arn);
        if (!task) throw cloudError("InvalidParameterException", "The referenced task was not found.");
        if (task.desiredStatus !== "STOPPED") this.endTask(task, "UserInitiated", reason);
        return { task: this.#describe(task) };
      }),
    );
    ecs.on(ListTasksCommand).callsFake(
      this.#script(ListTasksCommand, ({ startedBy, family }: { startedBy?: string; family?: string }) => ({
        taskArns: [...this.tasks.values()]
          .filter((task) => task.desiredStatus === "RUNNING")
          .filter((task) => (!startedBy || task.startedBy === startedBy) && (!family || task.family === family))
          .map(({ taskArn }) => taskArn),
      })),
    );
    ecs.on(DescribeTasksCommand).callsFake(
      this.#script(DescribeTasksCommand, ({ tasks }: { tasks: string[] }) => ({
        tasks: tasks.flatMap((arn) => {
          const task = this.tasks.get(arn);
          return task ? [this.#describe(task)] : [];
        }),
        failures: tasks.filter((arn) => !this.tasks.has(arn)).map((arn) => ({ arn, reason: "MISSING" })),
      })),
    );
    this.#scriptDefinitions(ecs);
  }

  #scriptDefinitions(mock: EcsMock): void {
    mock.on(RegisterTaskDefinitionCommand).callsFake(
      this.#script(RegisterTaskDefinitionCommand, (input: { family: string }) => {
        const revision = [...this.definitions.values()].filter(({ family }) => family === input.family).length + 1;
        const taskDefinitionArn = `${input.family}:${revision}`;
        this.definitions.set(taskDefinitionArn, { family: input.family, active: true, input });
        return { taskDefinition: { taskDefinitionArn } };
      }),
    );
    mock.on(DescribeTaskDefinitionCommand).callsFake(
      this.#script(DescribeTaskDefinitionCommand, ({ taskDefinition: reference }: { taskDefinition: string }) => {
        const found = [...this.definitions].findLast(
          ([arn, { family, active }]) => arn === reference || (family === reference && active),
        );
        if (!found) throw cloudError("ClientException", "Unable to describe task definition.");
        return { taskDefinition: { taskDefinitionArn: found[0], ...found[1].input } };
      }),
    );
    mock.on(DeregisterTaskDefinitionCommand).callsFake(
      this.#script(DeregisterTaskDefinitionCommand, ({ taskDefinition }: { taskDefinition: string }) => {
        const known = this.definitions.get(taskDefinition);
        if (!known?.active) throw cloudError("ClientException", "The specified task definition is inactive.");
        known.active = false;
        return {};
      }),
    );
  }

  #scriptOthers(): void {
    const efs = mockClient(EFSClient);
    efs.on(CreateAccessPointCommand).callsFake(
      this.#script(
        CreateAccessPointCommand,
        ({ ClientToken, RootDirectory }: { ClientToken: string; RootDirectory: { Path: string } }) => {
          const known = [...this.accessPoints].find(([, { token }]) => token === ClientToken);
          if (known) throw cloudError("AccessPointAlreadyExists", "exists", { AccessPointId: known[0] });
          this.#serial += 1;
          const AccessPointId = `fsap-${this.#serial}`;
          this.accessPoints.set(AccessPointId, { token: ClientToken, path: RootDirectory.Path });
          return { AccessPointId };
        },
      ),
    );
    efs.on(DeleteAccessPointCommand).callsFake(
      this.#script(DeleteAccessPointCommand, ({ AccessPointId }: { AccessPointId: string }) => {
        if (!this.accessPoints.delete(AccessPointId)) throw cloudError("AccessPointNotFound", "none");
        return {};
      }),
    );
    const ec2 = mockClient(EC2Client);
    ec2.on(DescribeNetworkInterfacesCommand).callsFake(
      this.#script(
        DescribeNetworkInterfacesCommand,
        ({ NetworkInterfaceIds: [id] }: { NetworkInterfaceIds: string[] }) => ({
          NetworkInterfaces: this.namesAreLate ? [{}] : [{ Association: { PublicDnsName: `${id}.example` } }],
        }),
      ),
    );
    const sqs = mockClient(SQSClient);
    sqs.on(SendMessageCommand).callsFake(
      this.#script(
        SendMessageCommand,
        ({ MessageBody, DelaySeconds = 0 }: { MessageBody: string; DelaySeconds: number }) => {
          const { workspaceId } = JSON.parse(MessageBody) as { workspaceId: string };
          this.messages.push({ workspaceId, at: this.now + DelaySeconds * 1_000 });
          return {};
        },
      ),
    );
    const bus = mockClient(EventBridgeClient);
    bus.on(PutEventsCommand).callsFake(
      this.#script(PutEventsCommand, ({ Entries }: { Entries: { DetailType: string; Detail: string }[] }) => {
        for (const { DetailType, Detail } of Entries)
          this.busEvents.push({ type: DetailType, detail: JSON.parse(Detail) });
        return { FailedEntryCount: 0 };
      }),
    );
    const sockets = mockClient(ApiGatewayManagementApiClient);
    sockets.on(PostToConnectionCommand).callsFake(async (input: { ConnectionId: string; Data: Uint8Array }) => {
      this.pushes.push({ connectionId: input.ConnectionId, ...JSON.parse(Buffer.from(input.Data).toString()) });
      return {};
    });
    const ssm = mockClient(SSMClient);
    const secret = createHash("sha256").update("root").digest("base64url");
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: JSON.stringify({ current: { id: "1", secret } }) } });
    for (const mock of [efs, ec2, sqs, bus, sockets, ssm]) this.#restore.push(() => mock.restore());
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
    this.#restore.push(() => table.middlewareStack.remove(name));
  }
}

export function cloudError(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 }, ...more });
}
