import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DescribeTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTestCloud, type TestCloud } from "./test-cloud.ts";

let stateDirectory: string;
let cloud: TestCloud;
beforeEach(async () => {
  stateDirectory = await mkdtemp(path.join(tmpdir(), "atelier-ecs-test-"));
  cloud = await startTestCloud({ stateDirectory });
});
afterEach(async () => {
  await cloud.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});

/** As CDK synthesizes it. */
const properties = {
  Family: "atelier-base",
  Cpu: "2048",
  Memory: "4096",
  NetworkMode: "awsvpc",
  RequiresCompatibilities: ["FARGATE"],
  RuntimePlatform: { CpuArchitecture: "ARM64", OperatingSystemFamily: "LINUX" },
  ExecutionRoleArn: "arn:aws:iam::111122223333:role/execution",
  EphemeralStorage: { SizeInGiB: "30" },
  Volumes: [{ Name: "workspace", EFSVolumeConfiguration: { FilesystemId: "fs-1", TransitEncryption: "ENABLED" } }],
  ContainerDefinitions: [
    {
      Name: "workspace",
      Image: "x/atelier/workspace:stable",
      Essential: true,
      StopTimeout: 120,
      LinuxParameters: { Capabilities: {}, InitProcessEnabled: true },
      MountPoints: [{ ContainerPath: "/workspace", ReadOnly: false, SourceVolume: "workspace" }],
      Environment: [{ Name: "ATELIER_VOLUME", Value: "/workspace" }],
      PortMappings: [{ ContainerPort: 23000, Protocol: "tcp" }],
      LogConfiguration: { LogDriver: "awslogs", Options: { "awslogs-group": "g", "Awslogs-Case": "kept" } },
    },
  ],
};

async function deploy(given: Record<string, unknown>): Promise<string> {
  const provider = cloud.ecs.resources["AWS::ECS::TaskDefinition"];
  return (await provider?.deploy("Base", given, "AWS::ECS::TaskDefinition"))?.ref ?? "";
}

it("registers a template's task definition as the API knows it", async () => {
  const arn = await deploy(properties);
  expect(arn).toBe("arn:aws:ecs:us-east-1:111122223333:task-definition/atelier-base:1");
  const { taskDefinition } = await cloud.client.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
  expect(taskDefinition).toMatchObject({
    family: "atelier-base",
    revision: 1,
    status: "ACTIVE",
    ephemeralStorage: { sizeInGiB: 30 },
    volumes: [{ name: "workspace", efsVolumeConfiguration: { fileSystemId: "fs-1", transitEncryption: "ENABLED" } }],
    containerDefinitions: [
      {
        environment: [{ name: "ATELIER_VOLUME", value: "/workspace" }],
        logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "g", "Awslogs-Case": "kept" } },
        mountPoints: [{ containerPath: "/workspace", readOnly: false, sourceVolume: "workspace" }],
        portMappings: [{ containerPort: 23000, protocol: "tcp" }],
        stopTimeout: 120,
      },
    ],
  });
});

it("makes a new revision only when the template says something new, also after a restart", async () => {
  const first = await deploy(properties);
  expect(await deploy(properties)).toBe(first);
  await cloud.stop();
  cloud = await startTestCloud({ stateDirectory });
  expect(await deploy(properties)).toBe(first);
  expect(await deploy({ ...properties, Memory: "8192" })).toBe(first.replace(/1$/, "2"));
  expect(await deploy({ ...properties, Memory: "8192" })).toBe(first.replace(/1$/, "2"));
});

it.each([
  [
    "two containers",
    { ContainerDefinitions: [...properties.ContainerDefinitions, ...properties.ContainerDefinitions] },
  ],
  ["a volume that is not on EFS", { Volumes: [{ Name: "workspace", Host: { SourcePath: "/" } }] }],
  [
    "a health check",
    { ContainerDefinitions: [{ ...properties.ContainerDefinitions[0], HealthCheck: { Command: ["a"] } }] },
  ],
  ["a mount of no volume", { Volumes: [] }],
  ["bridge networks", { NetworkMode: "bridge" }],
  ["a size that Fargate does not have", { Cpu: "100" }],
  [
    "a stop timeout that Fargate does not have",
    { ContainerDefinitions: [{ ...properties.ContainerDefinitions[0], StopTimeout: 121 }] },
  ],
])("refuses %s", async (_what, more) => {
  await expect(deploy({ ...properties, ...more })).rejects.toThrow(
    /not modelled|Unknown volume|only supports|No Fargate|stopTimeout/,
  );
});

it("asks IAM for what each call needs", async () => {
  await deploy(properties);
  const needs = (operation: string, input: object) =>
    cloud.ecs.permissions?.({
      service: "ecs",
      method: "POST",
      path: "/",
      query: new URLSearchParams(),
      headers: { "x-amz-target": `AmazonEC2ContainerServiceV20141113.${operation}` },
      body: Buffer.from(JSON.stringify(input)),
    });
  const prefix = "arn:aws:ecs:us-east-1:111122223333";
  const passRole = { action: "iam:PassRole", resource: properties.ExecutionRoleArn };
  expect(needs("RunTask", { taskDefinition: "atelier-base" })).toEqual([
    { action: "ecs:RunTask", resource: `${prefix}:task-definition/atelier-base:1` },
    passRole,
  ]);
  expect(needs("RegisterTaskDefinition", { family: "a", executionRoleArn: passRole.resource })).toEqual([
    { action: "ecs:RegisterTaskDefinition", resource: `${prefix}:task-definition/a:*` },
    passRole,
  ]);
  expect(needs("StopTask", { cluster: "atelier", task: "1" })).toEqual([
    { action: "ecs:StopTask", resource: `${prefix}:task/atelier/1` },
  ]);
  expect(needs("DescribeTaskDefinition", { taskDefinition: "a" })).toEqual([
    { action: "ecs:DescribeTaskDefinition", resource: "*" },
  ]);
});
