import { afterEach, expect, it } from "vitest";
import { MetadataEndpoint } from "./metadata-endpoint.ts";
import type { Task } from "./task.ts";

const endpoint = new MetadataEndpoint();
afterEach(() => endpoint.close());

function task(metadataToken: string, privateAddress: string): Task {
  return {
    metadataToken,
    taskArn: `arn:aws:ecs:us-east-1:1:task/atelier/${metadataToken}`,
    taskDefinitionArn: "arn:aws:ecs:us-east-1:1:task-definition/family:3",
    family: "family",
    cpu: "2048",
    memory: "4096",
    createdAt: 0,
    container: { name: "workspace", lastStatus: "RUNNING" },
    networkInterface: { privateAddress },
  } as Task;
}

it("tells each task its own address, and who it is", async () => {
  const urls = [await endpoint.add(task("one", "127.64.0.1")), await endpoint.add(task("two", "127.64.0.2"))];
  const answers = await Promise.all(urls.map(async (url) => (await fetch(url)).json()));
  expect(answers).toMatchObject([
    { Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["127.64.0.1"] }] },
    { Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["127.64.0.2"] }] },
  ]);
  expect(await (await fetch(`${urls[0]}/task`)).json()).toMatchObject({
    TaskARN: "arn:aws:ecs:us-east-1:1:task/atelier/one",
    Family: "family",
    Revision: "3",
    Limits: { CPU: 2, Memory: 4096 },
    Containers: [{ Name: "workspace" }],
  });
});

it("answers nothing to who does not know a task's path, nor after the task's end", async () => {
  const known = task("one", "127.64.0.1");
  const url = await endpoint.add(known);
  const status = async (path: string, method = "GET") => (await fetch(new URL(path, url), { method })).status;
  expect(await status("/v4/one")).toBe(200);
  for (const path of ["/", "/v4", "/v4/", "/v4/other", "/v3/one", "/v4/one/credentials", "/v4/one/task/more"]) {
    expect(await status(path), path).toBe(404);
  }
  expect(await status("/v4/one", "POST")).toBe(405);
  endpoint.remove(known);
  expect(await status("/v4/one")).toBe(404);
});
