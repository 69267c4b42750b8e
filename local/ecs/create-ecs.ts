import { answerJson, type JsonOperation } from "../endpoint/json-protocol.ts";
import type { EventSink, Service, ServiceContext } from "../service.ts";
import { TaskAnnouncer } from "./announce-task.ts";
import { Clusters } from "./clusters.ts";
import { apiTask } from "./describe-task.ts";
import { ecsError } from "./ecs-error.ts";
import type { Engine } from "./engine.ts";
import { Limits, MAX_TASKS_PER_PAGE } from "./limits.ts";
import { listTasks } from "./list-tasks.ts";
import { MetadataEndpoint } from "./metadata-endpoint.ts";
import { NetworkInterfaces } from "./network-interfaces.ts";
import { ecsPermissions } from "./permissions.ts";
import { ecsResources } from "./resources.ts";
import { runTask } from "./run-task.ts";
import { TaskRunner } from "./run-tasks.ts";
import type { TaskDefinition } from "./task-definition.ts";
import { TaskDefinitions } from "./task-definitions.ts";
import { Tasks } from "./tasks.ts";

export interface EcsDependencies {
  readonly engine: Engine;
  /** Where task state changes go. */
  readonly events: EventSink;
}

export interface Ecs extends Service {
  /** Where every living task is to be found: for the edge and for EC2's DescribeNetworkInterfaces. */
  readonly interfaces: NetworkInterfaces;
  /** Takes a task's machine away, as AWS does with Spot. `false` when no such task runs. */
  interrupt(task: string): boolean;
  /** Fulfils when nothing of an earlier run is left. */
  recovered(): Promise<void>;
}

const ENDED_ORDERLY = "Atelier was ended on this machine";
const ENDED_ABRUPTLY = "The embedded cloud was ended while this task ran";

/** The embedded ECS with Fargate: keeps task definitions and tasks, and runs tasks with an engine. */
export async function createEcs(context: ServiceContext, { engine, events }: EcsDependencies): Promise<Ecs> {
  const clusters = new Clusters(context.region, context.accountId);
  const definitions = await TaskDefinitions.open(context);
  const tasks = await Tasks.open(context);
  const interfaces = new NetworkInterfaces(context.random, context.region);
  const metadata = new MetadataEndpoint(context.listens !== false);
  const limits = new Limits(() => context.clock.now());
  const announcer = new TaskAnnouncer(context, tasks, events);
  const runner = new TaskRunner({ context, engine, announcer, definitions, interfaces, metadata });
  const parts = { context, clusters, definitions, tasks, runner, limits, engine };
  const remembered = tasks.all();
  let recovering: Promise<unknown> = Promise.resolve();
  let ending = false;

  const operations: Readonly<Record<string, JsonOperation>> = {
    async RegisterTaskDefinition(input) {
      limits.takeCall("taskDefinitionModify");
      const definition = await definitions.register(input);
      return { taskDefinition: apiDefinition(definition), tags: definition.tags ?? [] };
    },
    async DeregisterTaskDefinition(input) {
      limits.takeCall("taskDefinitionModify");
      return { taskDefinition: apiDefinition(await definitions.deregister(String(input.taskDefinition))) };
    },
    DescribeTaskDefinition(input) {
      limits.takeCall("taskDefinitionRead");
      const definition = definitions.find(String(input.taskDefinition));
      if (definition === undefined) throw ecsError("ClientException", "Unable to describe task definition.");
      const withTags = Array.isArray(input.include) && input.include.includes("TAGS");
      return { taskDefinition: apiDefinition(definition), ...(withTags ? { tags: definition.tags ?? [] } : {}) };
    },
    RunTask(input) {
      if (ending) throw ecsError("ServerException", "The embedded cloud is being ended.");
      return runTask(parts, input);
    },
    StopTask(input) {
      limits.takeCall("clusterModify");
      const cluster = clusters.find(String(input.cluster ?? "default"));
      const task = tasks.find(String(input.task));
      if (task === undefined || task.clusterArn !== cluster.arn) {
        throw ecsError("InvalidParameterException", "The referenced task was not found.");
      }
      runner.requestStop(task, "UserInitiated", String(input.reason ?? "Task stopped by user"));
      return { task: apiTask(task) };
    },
    DescribeTasks(input) {
      limits.takeCall("clusterRead");
      const cluster = clusters.find(String(input.cluster ?? "default"));
      const asked = (Array.isArray(input.tasks) ? input.tasks : []).map(String);
      if (asked.length === 0) throw ecsError("InvalidParameterException", "Tasks cannot be empty.");
      if (asked.length > MAX_TASKS_PER_PAGE) {
        throw ecsError("InvalidParameterException", `At most ${MAX_TASKS_PER_PAGE} tasks can be described at once.`);
      }
      const withTags = Array.isArray(input.include) && input.include.includes("TAGS");
      const found = asked.map((reference) => ({ reference, task: tasks.find(reference) }));
      const known = found.filter(({ task }) => task?.clusterArn === cluster.arn);
      const missing = found.filter(({ task }) => task?.clusterArn !== cluster.arn);
      const prefix = cluster.arn.replace(":cluster/", ":task/");
      return {
        tasks: known.flatMap(({ task }) => (task === undefined ? [] : [apiTask(task, withTags)])),
        failures: missing.map(({ reference }) => ({
          arn: reference.startsWith("arn:") ? reference : `${prefix}/${reference}`,
          reason: "MISSING",
        })),
      };
    },
    ListTasks(input) {
      limits.takeCall("clusterRead");
      const cluster = clusters.find(String(input.cluster ?? "default"));
      const ofCluster = tasks.all().filter(({ clusterArn }) => clusterArn === cluster.arn);
      return listTasks(ofCluster, input);
    },
  };

  return {
    name: "ecs",
    resources: ecsResources({ stateDirectory: context.stateDirectory, clusters, definitions }),
    api: { signingName: "ecs", handle: (request) => answerJson(request, operations) },
    permissions: (request) => ecsPermissions(clusters, definitions, request),
    interfaces,
    recovered: async () => void (await recovering),
    interrupt(reference) {
      const task = tasks.find(reference);
      if (task === undefined || task.desiredStatus === "STOPPED") return false;
      runner.requestStop(task, "SpotInterruption", "Your Spot Task was interrupted.");
      return true;
    },
    async start() {
      await engine.open?.(new Set(tasks.all().flatMap(({ id, lastStatus }) => (lastStatus === "STOPPED" ? [] : [id]))));
      if (engine.notice !== undefined) context.log.warn(engine.notice);
      // What is told again is told before anything new: a listener that counts versions drops what it knows.
      recovering = Promise.all(
        remembered.map((task) =>
          task.lastStatus === "STOPPED" ? announcer.repeat(task) : runner.recover(task, ENDED_ABRUPTLY),
        ),
      );
    },
    async stop() {
      ending = true;
      await runner.endAll(ENDED_ORDERLY);
      await recovering;
      await announcer.settled();
      await Promise.all([tasks.settled(), definitions.settled()]);
      await metadata.close();
      await engine.close?.();
    },
  };
}

/** A task definition as the API gives it: instants are seconds. */
function apiDefinition({ registeredAt, deregisteredAt, tags: _, ...rest }: TaskDefinition): Record<string, unknown> {
  return {
    ...rest,
    compatibilities: ["EC2", "FARGATE"],
    registeredAt: registeredAt / 1_000,
    ...(deregisteredAt === undefined ? {} : { deregisteredAt: deregisteredAt / 1_000 }),
  };
}
