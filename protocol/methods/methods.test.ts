import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { METHODS, type MethodName } from "./index.ts";

const id = "amber-otter-x7k2m5q4";
const instanceId = `${id}-r3`;
const iso = "2026-01-02T03:04:05.678Z";
const repository = { host: "git.test", owner: "acme", name: "shop", cloneUrl: "https://git.test/acme/shop.git" };
const context = {
  kind: "branch",
  repository,
  ref: "main",
  refType: "branch",
  commit: "a".repeat(40),
  path: "",
  title: "acme/shop · main",
};
const stage = { name: "clone", state: "active", startedAt: iso, detail: "42 %" };
const instance = {
  id: instanceId,
  phase: "running",
  conditions: { stoppedByRequest: true },
  stages: [stage],
  ports: [{ port: 3000, visibility: "private", url: `http://3000-${id}.ws.localhost:4000/` }],
  tasks: [{ id: "t", name: "dev", state: "running" }],
  requestedAt: iso,
};
const workspace = {
  id,
  ownerId: "u-ann",
  contextUrl: "https://git.test/acme/shop",
  context,
  class: "standard",
  createdAt: iso,
  lastUsedAt: iso,
  revision: 1,
  url: `http://${id}.ws.localhost:4000/`,
  instance,
};
const step = { state: "done", startedAt: 1, endedAt: 2 };
const fact = {
  bootId: "abcd1234",
  sequence: 1,
  clone: step,
  ide: { state: "waiting" },
  ports: [3000],
  tasks: [],
};
const span = { name: "task", state: "done", startedAt: iso, endedAt: iso };
const attempt = {
  name: "attempt-12",
  state: "refused",
  startedAt: iso,
  detail: "Waiting for capacity",
  parent: "task",
};
const trace = {
  instanceId,
  workspaceId: id,
  phase: "stopped",
  conditions: { failed: "It broke." },
  requestedAt: iso,
  endedAt: iso,
  spans: [span, attempt, { ...span, name: "clone", state: "failed", reason: "It broke." }],
  marks: [{ name: "stopped", at: iso, detail: "It broke." }],
};
const hello = { instanceId, ticket: "t", secretHash: "0".repeat(64), protocolVersion: 1 };
const workspaceClass = {
  id: "s",
  name: "S",
  cpu: 1,
  memoryMiB: 2048,
  diskGiB: 20,
  architecture: "arm64",
  dollarsPerHour: 0.05,
};
const without = (value: object, key: string) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

interface Cases {
  params: { accept: unknown[]; reject: unknown[] };
  result: { accept: unknown[]; reject: unknown[] };
}

const onlyId: Cases["params"] = {
  accept: [{ id }],
  reject: [{}, { id: "3000-amber" }, { id: id.toUpperCase() }, { id, extra: 1 }],
};
const answersWorkspace: Cases["result"] = {
  accept: [{ workspace }, { workspace: without(workspace, "instance") }],
  reject: [
    {},
    { workspace: without(workspace, "revision") },
    { workspace: { ...workspace, context: { ...context, kind: "issue" } } },
    { workspace: { ...workspace, instance: { ...instance, phase: "lost" } } },
    { workspace: { ...workspace, instance: { ...instance, stages: [{ ...stage, name: "lunch" }] } } },
    {
      workspace: { ...workspace, instance: { ...instance, ports: [{ port: 70_000, visibility: "private", url: "" }] } },
    },
  ],
};
const accepted: Cases["result"] = { accept: [{ accepted: true }], reject: [{}, { accepted: 1 }] };

/** Every method must stand here: the type says so. */
const CASES: { readonly [M in MethodName]: Cases } = {
  "user.me": {
    params: { accept: [{}], reject: [{ x: 1 }, null, "x"] },
    result: {
      accept: [{ id: "u", name: "Ann", limits: { runningInstances: 8 }, classes: [workspaceClass] }],
      reject: [
        { id: "u", name: "Ann", classes: [] },
        { id: "u", name: "Ann", limits: { runningInstances: "8" }, classes: [] },
      ],
    },
  },
  "socket.ticket": {
    params: { accept: [{}], reject: [{ ticket: "x" }] },
    result: { accept: [{ ticket: "t", expiresAt: iso }], reject: [{ ticket: "t" }] },
  },
  "context.resolve": {
    params: {
      accept: [{ contextUrl: "github.com/o/r" }, { contextUrl: "  https://github.com/o/r " }],
      reject: [
        {},
        { contextUrl: "" },
        { contextUrl: "  " },
        { contextUrl: "x".repeat(2_049) },
        { contextUrl: 1 },
        { url: "x" },
      ],
    },
    result: {
      accept: [{ contextUrl: "u", context, known: false, class: "standard", existing: [id] }],
      reject: [
        { contextUrl: "u", context: without(context, "repository"), known: false, class: "standard", existing: [] },
        { contextUrl: "u", context, known: false, class: "standard", existing: ["x"] },
      ],
    },
  },
  "workspace.create": {
    params: {
      accept: [{ contextUrl: "u" }, { contextUrl: "u", class: "large", requestId: "abcd-1234_X" }],
      reject: [
        { class: "large" },
        { contextUrl: "u", requestId: "short" },
        { contextUrl: "u", requestId: "with space!" },
        { contextUrl: "u", klass: "large" },
      ],
    },
    result: answersWorkspace,
  },
  "workspace.list": {
    params: { accept: [{}, { digest: "0-0", cursor: "c" }], reject: [{ digest: 1 }, { page: 2 }] },
    result: {
      accept: [
        { workspaces: [workspace], cursor: "c" },
        { workspaces: [], unchanged: true },
      ],
      reject: [{}, { workspaces: [without(workspace, "id")] }],
    },
  },
  "workspace.get": {
    params: {
      accept: [{ id }, { id, logAfter: 0 }],
      reject: [{ logAfter: 0 }, { id, logAfter: -1 }, { id, logAfter: 0.5 }, { id, x: 1 }],
    },
    result: {
      accept: [{ workspace }, { workspace, log: [{ sequence: 1, text: "x" }] }],
      reject: [{ workspace, log: ["x"] }, { log: [] }],
    },
  },
  "workspace.start": { params: onlyId, result: answersWorkspace },
  "workspace.stop": { params: onlyId, result: answersWorkspace },
  "workspace.delete": {
    params: onlyId,
    result: { accept: [{ id, revision: 2 }], reject: [{ id }, { id: "x", revision: 2 }] },
  },
  "workspace.enter": {
    params: {
      accept: [{ id }, { id, port: 65_535 }],
      reject: [{ id, port: 0 }, { id, port: 65_536 }, { id, port: "80" }, { id, port: 1.5 }, {}],
    },
    result: { accept: [{ url: "http://x/", expiresAt: iso }], reject: [{ url: "http://x/" }] },
  },
  "instance.hello": {
    params: {
      accept: [hello],
      reject: [
        { ...hello, instanceId: id },
        { ...hello, instanceId: `${id}-r0` },
        { ...hello, secretHash: "A".repeat(64) },
        { ...hello, secretHash: "0".repeat(63) },
        without(hello, "ticket"),
        { ...hello, secret: "x" },
      ],
    },
    result: {
      accept: [
        {
          workspaceId: id,
          content: { cloneUrl: "https://git.test/r", fullRef: "refs/heads/main", name: "r", path: "" },
          gitCredentials: [{ host: "git.test", username: "u", password: "p" }],
          gitIdentity: { name: "Ann", email: "ann@acme.test" },
          routeKeys: { "1": "key" },
          hostSuffix: ".ws.localhost:4000",
          dashboardOrigin: "http://localhost:4000",
          environment: { A: "b" },
        },
      ],
      reject: [{ workspaceId: id }],
    },
  },
  "instance.report": {
    params: {
      accept: [fact, { ...fact, readyAt: 1, failure: "It broke.", commit: { hash: "a", subject: "s" } }],
      reject: [
        { ...fact, bootId: "ABCD1234" },
        { ...fact, sequence: 0 },
        { ...fact, clone: { state: "stuck" } },
        { ...fact, clone: { ...step, detail: "x".repeat(201) } },
        { ...fact, ports: [0] },
        { ...fact, ports: Array.from({ length: 101 }, () => 1) },
        { ...fact, failure: "x".repeat(2_001) },
        { ...fact, phase: "running" },
      ],
    },
    result: accepted,
  },
  "instance.log": {
    params: {
      accept: [{ sequence: 1, text: "x".repeat(20_000) }],
      reject: [{ sequence: 0, text: "x" }, { sequence: 1, text: "x".repeat(20_001) }, { sequence: 1 }],
    },
    result: accepted,
  },
  "instance.heartbeat": {
    params: { accept: [{ activeAt: 0 }], reject: [{}, { activeAt: -1 }, { activeAt: 1.5 }, { activeAt: iso }] },
    result: accepted,
  },
  "instance.redeem": {
    params: { accept: [{ ticket: "t", host: "h" }], reject: [{ ticket: "t" }, { ticket: "t", host: "h", path: "/" }] },
    result: {
      accept: [{ token: "t", cookieName: "atelier_route", secure: false, maxAgeSeconds: 60 }],
      reject: [{ token: "t", cookieName: "c", secure: "no", maxAgeSeconds: 60 }],
    },
  },
  "instance.trace": {
    params: {
      accept: [{ instanceId }],
      reject: [{}, { instanceId: id }, { instanceId: `${id}-r0` }, { instanceId, id }],
    },
    result: {
      accept: [{ trace }, { trace: { ...without(trace, "endedAt"), phase: "pending", spans: [], marks: [] } }],
      reject: [
        {},
        { trace: without(trace, "spans") },
        { trace: { ...trace, spans: [{ ...span, name: "lunch" }] } },
        { trace: { ...trace, spans: [{ ...span, name: "attempt-0" }] } },
        { trace: { ...trace, spans: [{ ...span, state: "waiting" }] } },
        { trace: { ...trace, spans: [without(span, "startedAt")] } },
        { trace: { ...trace, marks: [{ name: "lunch", at: iso }] } },
      ],
    },
  },
};

describe.each(Object.entries(CASES))("%s", (name, cases) => {
  const method = METHODS[name as MethodName];

  it.each(["params", "result"] as const)("accepts what is right as %s", (part) => {
    for (const value of cases[part].accept) {
      expect(v.safeParse(method[part], value), JSON.stringify(value)).toMatchObject({ success: true });
    }
  });

  it.each(["params", "result"] as const)("rejects what is wrong as %s", (part) => {
    for (const value of cases[part].reject) {
      expect(v.safeParse(method[part], value), JSON.stringify(value)).toMatchObject({ success: false });
    }
  });
});

it("says for each method who may call it", () => {
  for (const [name, method] of Object.entries(METHODS)) {
    // Whoever started a run asks where its time went; the rest of `instance.` is the supervisor's.
    const isSupervisors = name.startsWith("instance.") && name !== "instance.trace";
    expect(method.caller).toBe(isSupervisors ? "instance" : "user");
  }
});
