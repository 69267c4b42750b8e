import { beforeEach, expect, it } from "vitest";
import { startSession } from "#functions/access/session.ts";
import { enter } from "./enter.ts";
import { into, owner, simulateLife } from "./simulated-life-store.ts";
import { stopWorkspace } from "./stop-workspace.ts";

simulateLife();

let id: string;
beforeEach(async () => {
  id = await into("running");
});

async function visit(to: string, userId?: string) {
  const cookie = userId && (await startSession({ id: userId, name: "Ada" }, "s"));
  return enter({ queryStringParameters: { to }, cookies: cookie ? [cookie.split(";")[0] as string] : [] });
}
const here = (path = "/") => `http://${id}.ws.localhost:4000${path}`;

it("brings its owner to the same path, with a ticket", async () => {
  const answer = await visit(here("/a?b=c"), owner.userId);
  expect(answer.statusCode).toBe(303);
  expect(answer.headers?.location).toMatch(new RegExp(`^${here("/a")}\\?b=c&atelier-ticket=`));
});

it("sends who is not signed in to sign in, and back here", async () => {
  const { statusCode, headers } = await visit(here("/a"));
  expect(statusCode).toBe(303);
  const location = new URL(headers?.location ?? "", "http://localhost:4000");
  expect(location.pathname).toBe("/login/local");
  expect(location.searchParams.get("return")).toBe(`/enter?to=${encodeURIComponent(here("/a"))}`);
});

it("shows a stranger the same page as for a workspace that is not there", async () => {
  const strangers = await visit(here(), "somebody-else");
  const nobodys = await visit("http://amber-otter-aaaaaaaa.ws.localhost:4000/", "somebody-else");
  expect(strangers.statusCode).toBe(404);
  expect(strangers).toEqual(nobodys);
});

it("offers to start what does not run", async () => {
  await stopWorkspace({ id }, owner);
  expect((await visit(here(), owner.userId)).headers?.location).toBe(`http://localhost:4000/#/start/${id}`);
});

it.each([
  "",
  "x",
  "//evil.example/",
  "http://evil.example/",
  "https://amber-otter-aaaaaaaa.ws.localhost:4000/",
  "http://amber-otter-aaaaaaaa.ws.localhost:4000.evil.example/",
  "http://x@amber-otter-aaaaaaaa.ws.localhost:4000/",
  "http://a.amber-otter-aaaaaaaa.ws.localhost:4000/",
  "javascript:alert(1)",
])("goes nowhere with %j", async (to) => {
  expect((await visit(to, owner.userId)).statusCode).toBe(400);
});
