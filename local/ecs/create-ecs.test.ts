import { DescribeNetworkInterfacesCommand } from "@aws-sdk/client-ec2";
import {
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { CreateAccessPointCommand } from "@aws-sdk/client-efs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestCloud, type TestCloud, testDefinition, testRun } from "./test-cloud.ts";

const script = `
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
const metadata = await (await fetch(process.env.ECS_CONTAINER_METADATA_URI_V4)).json();
const address = metadata.Networks[0].IPv4Addresses[0];
process.on("SIGTERM", () => process.exit(7));
createServer((request, response) => response.end(JSON.stringify({ environment: process.env, address })))
  .listen(20001, address, () => writeFileSync(process.env.TEST_VOLUME + "/listening", address));
`;

let cloud: TestCloud;
let accessPointId: string;

beforeAll(async () => {
  cloud = await startTestCloud({ script });
  const made = await cloud.efsClient.send(
    new CreateAccessPointCommand({
      ClientToken: "workspace",
      FileSystemId: cloud.fileSystemId,
      RootDirectory: { Path: "/workspaces/a", CreationInfo: { OwnerUid: 1, OwnerGid: 1, Permissions: "0750" } },
    }),
  );
  accessPointId = made.AccessPointId ?? "";
  await cloud.client.send(new RegisterTaskDefinitionCommand(testDefinition(cloud.fileSystemId, accessPointId)));
});
afterAll(() => cloud.stop());

async function run(more: Parameters<typeof testRun>[0] = {}): Promise<string> {
  const { tasks, failures } = await cloud.client.send(new RunTaskCommand(testRun(more)));
  expect(failures).toEqual([]);
  return tasks?.[0]?.taskArn ?? "";
}
const reaches = (taskArn: string, status: string) =>
  cloud.until(({ detail }) => detail.taskArn === taskArn && detail.lastStatus === status, status);

describe("a task's life", () => {
  it("passes through all states, and tells each once with a growing version", async () => {
    const taskArn = await run({ startedBy: "amber-otter-r1" });
    await reaches(taskArn, "RUNNING");
    await answerOf(`http://${cloud.ecs.interfaces.all()[0]?.privateAddress}:20001/`);
    const { task } = await cloud.client.send(
      new StopTaskCommand({ cluster: "atelier", task: taskArn, reason: "idle for too long" }),
    );
    expect(task?.desiredStatus).toBe("STOPPED");
    const stopped = await reaches(taskArn, "STOPPED");

    const told = cloud.events.filter(({ detail }) => detail.taskArn === taskArn).map(({ detail }) => detail);
    expect(told.map(({ lastStatus }) => lastStatus)).toEqual([
      ...["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "RUNNING"],
      ...["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"],
    ]);
    expect(told.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stopped).toMatchObject({
      source: "aws.ecs",
      "detail-type": "ECS Task State Change",
      resources: [taskArn],
      detail: {
        clusterArn: "arn:aws:ecs:us-east-1:111122223333:cluster/atelier",
        desiredStatus: "STOPPED",
        stopCode: "UserInitiated",
        stoppedReason: "idle for too long",
        startedBy: "amber-otter-r1",
        group: "family:atelier-ws-test",
        containers: [{ name: "workspace", lastStatus: "STOPPED", exitCode: 7 }],
        attachments: [{ type: "eni", status: "DELETED" }],
      },
    });
    for (const name of ["createdAt", "pullStartedAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt"]) {
      expect(stopped.detail[name], name).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
  });

  it("gives each task an address and a public name of its own, on which it can be reached", async () => {
    const [one, two] = await Promise.all([run(), run()]);
    const addresses = await Promise.all(
      [one, two].map(async (taskArn) => {
        const { detail } = await reaches(taskArn, "RUNNING");
        const [{ details }] = detail.attachments as [{ details: { name: string; value: string }[] }];
        const id = details.find(({ name }) => name === "networkInterfaceId")?.value ?? "";
        const found = await cloud.ec2Client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] }));
        const known = found.NetworkInterfaces?.[0];
        expect(details).toContainEqual({ name: "privateIPv4Address", value: known?.PrivateIpAddress });
        expect(known?.Association?.PublicDnsName).toMatch(/^ec2-198-.*\.compute-1\.amazonaws\.com$/);
        const target = cloud.ecs.interfaces.resolve(known?.Association?.PublicDnsName ?? "", 20_001);
        expect(target?.host).toMatch(/^127\.(?!0\.)/);
        const said = await answerOf(`http://${target?.host}:${target?.port}/`);
        expect(said.address).toBe(target?.host);
        return target?.host;
      }),
    );
    expect(new Set(addresses).size).toBe(2);
    for (const task of [one, two]) await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task }));
    await Promise.all([reaches(one, "STOPPED"), reaches(two, "STOPPED")]);
    expect(cloud.ecs.interfaces.all()).toEqual([]);
  });

  it("gives a task its image's, definition's and overriding environment, and nothing of the host's", async () => {
    process.env.HOST_SECRET = "must not be seen";
    const taskArn = await run({
      overrides: { containerOverrides: [{ name: "workspace", environment: [{ name: "OVERRIDDEN", value: "run" }] }] },
    });
    await reaches(taskArn, "RUNNING");
    const address = cloud.ecs.interfaces.all()[0]?.privateAddress;
    const { environment } = await answerOf(`http://${address}:20001/`);
    delete process.env.HOST_SECRET;
    expect(Object.keys(environment).sort()).toEqual([
      ...["ECS_CONTAINER_METADATA_URI_V4", "FROM_IMAGE", "OVERRIDDEN", "PATH", "TEST_SCRATCH", "TEST_VOLUME"],
    ]);
    expect(environment).toMatchObject({ FROM_IMAGE: "image", OVERRIDDEN: "run" });
    expect(environment.TEST_VOLUME).toBe(await cloud.efs.folderOf(accessPointId));
    await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task: taskArn }));
    await reaches(taskArn, "STOPPED");
  });

  it("ends a task whose machine is taken away as Spot does", async () => {
    const taskArn = await run({
      launchType: undefined,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
    });
    await reaches(taskArn, "RUNNING");
    expect(cloud.ecs.interrupt(taskArn)).toBe(true);
    const { detail } = await reaches(taskArn, "STOPPED");
    expect(detail).toMatchObject({ stopCode: "SpotInterruption", capacityProviderName: "FARGATE_SPOT" });
    expect(cloud.ecs.interrupt(taskArn)).toBe(false);
  });
});

describe("RunTask", () => {
  it("gives the same task for the same token, and refuses the token with other parameters", async () => {
    const taskArn = await run({ clientToken: "amber-otter-r1.1", startedBy: "a" });
    expect(await run({ clientToken: "amber-otter-r1.1", startedBy: "a" })).toBe(taskArn);
    await expect(run({ clientToken: "amber-otter-r1.1", startedBy: "b" })).rejects.toMatchObject({
      name: "ConflictException",
      resourceIds: [taskArn],
    });
    await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task: taskArn }));
    await reaches(taskArn, "STOPPED");
    expect(await run({ clientToken: "amber-otter-r1.1", startedBy: "a" })).toBe(taskArn);
  });

  it.each([
    ["a cluster that is not there", { cluster: "other" }, "ClusterNotFoundException"],
    ["a definition that is not there", { taskDefinition: "missing" }, "ClientException"],
    ["no network", { networkConfiguration: undefined }, "InvalidParameterException"],
    ["a size that Fargate does not have", { overrides: { cpu: "1024", memory: "512" } }, "ClientException"],
    [
      "a container that is not there",
      { overrides: { containerOverrides: [{ name: "x" }] } },
      "InvalidParameterException",
    ],
    ["a startedBy with other characters", { startedBy: "a b" }, "InvalidParameterException"],
    ["a startedBy that is too long", { startedBy: "a".repeat(129) }, "InvalidParameterException"],
    ["more than ten at once", { count: 11 }, "InvalidParameterException"],
    ["what is not modelled", { enableExecuteCommand: true }, "UnsupportedFeatureException"],
  ] as const)("refuses %s", async (_what, more, name) => {
    await expect(run(more as never)).rejects.toMatchObject({ name });
  });

  it("refuses a definition that was deregistered", async () => {
    const input = { ...testDefinition(cloud.fileSystemId, accessPointId), family: "gone" };
    await cloud.client.send(new RegisterTaskDefinitionCommand(input));
    await cloud.client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: "gone:1" }));
    await expect(run({ taskDefinition: "gone:1" })).rejects.toMatchObject({ name: "ClientException" });
    const { taskDefinition } = await cloud.client.send(new DescribeTaskDefinitionCommand({ taskDefinition: "gone:1" }));
    expect(taskDefinition?.status).toBe("INACTIVE");
    expect(taskDefinition?.registeredAt).toBeInstanceOf(Date);
  });
});

describe("looking for tasks", () => {
  it("finds them by who started them, and tells which are missing", async () => {
    const taskArn = await run({ startedBy: "looked-for" });
    const { taskArns } = await cloud.client.send(new ListTasksCommand({ cluster: "atelier", startedBy: "looked-for" }));
    expect(taskArns).toEqual([taskArn]);
    const missing = `${taskArn.slice(0, -32)}${"0".repeat(32)}`;
    const { tasks, failures } = await cloud.client.send(
      new DescribeTasksCommand({ cluster: "atelier", tasks: [taskArn, missing] }),
    );
    expect(tasks?.map((task) => task.taskArn)).toEqual([taskArn]);
    expect(failures).toEqual([{ arn: missing, reason: "MISSING" }]);
    await cloud.client.send(new StopTaskCommand({ cluster: "atelier", task: taskArn }));
    await reaches(taskArn, "STOPPED");
    const after = await cloud.client.send(new ListTasksCommand({ cluster: "atelier", startedBy: "looked-for" }));
    expect(after.taskArns).toEqual([]);
  });

  it("refuses a second filter beside startedBy", async () => {
    const both = new ListTasksCommand({ cluster: "atelier", startedBy: "a", desiredStatus: "STOPPED" });
    await expect(cloud.client.send(both)).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("refuses to stop a task that is not there, and takes a second stop", async () => {
    const stop = (task: string) => cloud.client.send(new StopTaskCommand({ cluster: "atelier", task, reason: task }));
    await expect(stop("0".repeat(32))).rejects.toMatchObject({ name: "InvalidParameterException" });
    const taskArn = await run();
    await stop(taskArn);
    await stop(taskArn);
    await reaches(taskArn, "STOPPED");
    const { task } = await stop(taskArn);
    expect(task?.lastStatus).toBe("STOPPED");
  });
});

/** The script listens a moment after its process has started. */
async function answerOf(url: string): Promise<{ address: string; environment: Record<string, string> }> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return (await (await fetch(url)).json()) as never;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
