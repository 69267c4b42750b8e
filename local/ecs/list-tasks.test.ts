import { expect, it } from "vitest";
import { listTasks } from "./list-tasks.ts";
import type { Task } from "./task.ts";

const tasks = Array.from({ length: 250 }, (_, index) => {
  const id = ((index * 7_919) % 65_536).toString(16).padStart(32, "0");
  return { id, taskArn: `arn/${id}`, family: `family-${index % 2}`, desiredStatus: "RUNNING" } as Task;
});

it("gives all tasks once over pages of at most 100", () => {
  const seen: string[] = [];
  let pages = 0;
  for (let nextToken: string | undefined = ""; nextToken !== undefined; pages += 1) {
    const page = listTasks(tasks, nextToken === "" ? {} : { nextToken });
    expect(page.taskArns.length).toBeLessThanOrEqual(100);
    seen.push(...page.taskArns);
    nextToken = page.nextToken;
  }
  expect(pages).toBe(3);
  expect(seen.sort()).toEqual(tasks.map(({ taskArn }) => taskArn).sort());
});

it("has no further page when the last one is just full", () => {
  expect(listTasks(tasks.slice(0, 100), {}).nextToken).toBeUndefined();
});

it("does not lose a task when others end between two pages", () => {
  const first = listTasks(tasks, { maxResults: 10 });
  const left = tasks.filter(({ taskArn }) => !first.taskArns.includes(taskArn));
  const rest = listTasks(left, { maxResults: 100, nextToken: first.nextToken as string });
  expect(rest.taskArns).toEqual(
    listTasks(tasks, { maxResults: 100 }).taskArns.slice(10).concat(rest.taskArns.slice(90)),
  );
});

it("filters by family and by the status that is wanted", () => {
  expect(listTasks(tasks, { family: "family-1", maxResults: 100 }).taskArns).toHaveLength(100);
  expect(listTasks(tasks, { desiredStatus: "STOPPED" }).taskArns).toEqual([]);
});

it.each([[{ maxResults: 101 }], [{ desiredStatus: "GONE" }], [{ nextToken: "!" }], [{ startedBy: "a", family: "b" }]])(
  "refuses %j",
  (input) => {
    expect(() => listTasks(tasks, input)).toThrow(expect.objectContaining({ code: "InvalidParameterException" }));
  },
);
