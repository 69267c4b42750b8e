import { expect, it } from "vitest";
import { matchRoute } from "./match-route.ts";

const integration = { functionArn: "", timeoutMs: 1 };
const keys = [
  "$default",
  "ANY /{proxy+}",
  "GET /login/{provider}",
  "GET /login/{provider}/callback",
  "POST /login/local",
  "GET /login/local",
  "ANY /login/local",
  "GET /a/{rest+}",
];
const routes = keys.map((routeKey) => ({ routeKey, integration, answers: false }));

it.each([
  ["GET", "/login/local", "GET /login/local", undefined],
  ["PUT", "/login/local", "ANY /login/local", undefined],
  ["GET", "/login/acme%20x", "GET /login/{provider}", { provider: "acme x" }],
  ["GET", "/login/acme/callback", "GET /login/{provider}/callback", { provider: "acme" }],
  ["POST", "/login/acme", "ANY /{proxy+}", { proxy: "login/acme" }],
  ["GET", "/a/b/c", "GET /a/{rest+}", { rest: "b/c" }],
  ["GET", "/", "$default", undefined],
])("%s %s goes to %s", (method, path, routeKey, parameters) => {
  const match = matchRoute(routes, method, path);
  expect([match?.route.routeKey, match?.parameters]).toEqual([routeKey, parameters]);
});

it("finds nothing where no route fits", () => {
  expect(matchRoute(routes.slice(2), "GET", "/login")).toBeUndefined();
  expect(matchRoute(routes.slice(2), "DELETE", "/login/x")).toBeUndefined();
});
