/** For tests: ECS, scripted. */
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
import { type AwsClientStub, mockClient } from "aws-sdk-client-mock";
import type { SimulatedCloud, SimulatedTask } from "./simulated-cloud-store.ts";

type EcsMock = AwsClientStub<ECSClient>;

export function cloudError(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 }, ...more });
}

export function scriptEcs(cloud: SimulatedCloud): void {
  const ecs: EcsMock = mockClient(ECSClient);
  cloud.restore.push(() => ecs.restore());
  ecs.on(RunTaskCommand).callsFake(
    cloud.script(RunTaskCommand, (input: Record<string, never>) => {
      const { clientToken, startedBy, taskDefinition, overrides } = input as unknown as {
        clientToken: string;
        startedBy: string;
        taskDefinition: string;
        overrides: { containerOverrides: { environment: { name: string; value: string }[] }[] };
      };
      const parameters = JSON.stringify(input);
      const known = [...cloud.tasks.values()].find((task) => task.clientToken === clientToken);
      if (known && known.parameters !== parameters) {
        throw cloudError("ConflictException", "other parameters", { resourceIds: [known.taskArn] });
      }
      if (known) return { tasks: [cloud.describe(known)] };
      if (!cloud.definitions.get(taskDefinition)?.active)
        throw cloudError("ClientException", "TaskDefinition is inactive");
      cloud.serial += 1;
      const task: SimulatedTask = {
        taskArn: `arn:aws:ecs:us-east-1:1:task/atelier/${cloud.serial}`,
        clientToken,
        parameters,
        startedBy,
        family: cloud.definitions.get(taskDefinition)?.family ?? "",
        lastStatus: "PROVISIONING",
        desiredStatus: "RUNNING",
        version: 0,
        environment: Object.fromEntries(
          (overrides.containerOverrides[0]?.environment ?? []).map(({ name, value }) => [name, value]),
        ),
        createdAt: cloud.iso(),
      };
      cloud.tasks.set(task.taskArn, task);
      cloud.announce(task);
      return { tasks: [cloud.describe(task)] };
    }),
  );
  ecs.on(StopTaskCommand).callsFake(
    cloud.script(StopTaskCommand, ({ task: arn, reason }: { task: string; reason: string }) => {
      const task = cloud.tasks.get(arn);
      if (!task) throw cloudError("InvalidParameterException", "The referenced task was not found.");
      if (task.desiredStatus !== "STOPPED") cloud.endTask(task, "UserInitiated", reason);
      return { task: cloud.describe(task) };
    }),
  );
  ecs.on(ListTasksCommand).callsFake(
    cloud.script(ListTasksCommand, ({ startedBy, family }: { startedBy?: string; family?: string }) => ({
      taskArns: [...cloud.tasks.values()]
        .filter((task) => task.desiredStatus === "RUNNING")
        .filter((task) => (!startedBy || task.startedBy === startedBy) && (!family || task.family === family))
        .map(({ taskArn }) => taskArn),
    })),
  );
  ecs.on(DescribeTasksCommand).callsFake(
    cloud.script(DescribeTasksCommand, ({ tasks }: { tasks: string[] }) => ({
      tasks: tasks.flatMap((arn) => {
        const task = cloud.tasks.get(arn);
        return task ? [cloud.describe(task)] : [];
      }),
      failures: tasks.filter((arn) => !cloud.tasks.has(arn)).map((arn) => ({ arn, reason: "MISSING" })),
    })),
  );
  scriptDefinitions(cloud, ecs);
}

function scriptDefinitions(cloud: SimulatedCloud, mock: EcsMock): void {
  mock.on(RegisterTaskDefinitionCommand).callsFake(
    cloud.script(RegisterTaskDefinitionCommand, (input: { family: string }) => {
      const revision = [...cloud.definitions.values()].filter(({ family }) => family === input.family).length + 1;
      const taskDefinitionArn = `${input.family}:${revision}`;
      cloud.definitions.set(taskDefinitionArn, { family: input.family, active: true, input });
      return { taskDefinition: { taskDefinitionArn } };
    }),
  );
  mock.on(DescribeTaskDefinitionCommand).callsFake(
    cloud.script(DescribeTaskDefinitionCommand, ({ taskDefinition: reference }: { taskDefinition: string }) => {
      const found = [...cloud.definitions].findLast(
        ([arn, { family, active }]) => arn === reference || (family === reference && active),
      );
      if (!found) throw cloudError("ClientException", "Unable to describe task definition.");
      return { taskDefinition: { taskDefinitionArn: found[0], ...found[1].input } };
    }),
  );
  mock.on(DeregisterTaskDefinitionCommand).callsFake(
    cloud.script(DeregisterTaskDefinitionCommand, ({ taskDefinition }: { taskDefinition: string }) => {
      const known = cloud.definitions.get(taskDefinition);
      if (!known?.active) throw cloudError("ClientException", "The specified task definition is inactive.");
      known.active = false;
      return {};
    }),
  );
}
