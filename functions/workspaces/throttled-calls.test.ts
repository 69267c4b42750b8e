import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";

/** ECS as it is under load, behind the real client. */
let server: Server;
const calls: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    calls.push(operation);
    const isRead = operation === "DescribeTaskDefinition";
    request.resume().on("end", () => {
      response.writeHead(isRead ? 200 : 400, { "content-type": "application/x-amz-json-1.1" });
      const base = { taskDefinition: { taskDefinitionArn: "base:1", containerDefinitions: [], volumes: [] } };
      response.end(JSON.stringify(isRead ? base : { __type: "ThrottlingException", message: "Rate exceeded" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  Object.assign(process.env, {
    CLUSTER_ARN: "arn:aws:ecs:us-east-1:1:cluster/atelier",
    AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    BASE_TASK_DEFINITION: "base:1",
    FILE_SYSTEM_ID: "fs-1",
  });
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

it("asks once to register a definition when AWS is too busy, and once for what all definitions have in common", async () => {
  const { makeTaskDefinition } = await import("./volume-store.ts");
  const both = await Promise.allSettled([makeTaskDefinition("one", "fsap-1"), makeTaskDefinition("two", "fsap-2")]);
  expect(both).toMatchObject([
    { reason: { name: "ThrottlingException" } },
    { reason: { name: "ThrottlingException" } },
  ]);
  const times = (name: string): number => calls.filter((call) => call === name).length;
  expect(times("RegisterTaskDefinition")).toBe(2);
  expect(times("DescribeTaskDefinition")).toBe(1);
});

it("asks once to stop a task when AWS is too busy, so that the tokens are left to those whose turn it is", async () => {
  const { stopTask } = await import("./task-store.ts");
  await expect(stopTask("arn", "a reason")).rejects.toMatchObject({ name: "ThrottlingException" });
  expect(calls.filter((call) => call === "StopTask")).toHaveLength(1);
});
