import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { InstanceCall } from "#functions/rpc/call.ts";
import { createWorkspace } from "#functions/workspaces/create-workspace.ts";
import { enterWorkspace } from "#functions/workspaces/enter-workspace.ts";
import { getWorkspace } from "#functions/workspaces/get-workspace.ts";
import { getHeartbeat } from "#functions/workspaces/heartbeat-store.ts";
import { cloud, into, look, owner, pass, simulateLife, url } from "#functions/workspaces/simulated-life-store.ts";
import { stopWorkspace } from "#functions/workspaces/stop-workspace.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { appendLog } from "./append-log.ts";
import { authenticateInstance } from "./authenticate-instance.ts";
import { recordHeartbeat } from "./record-heartbeat.ts";
import { redeemTicket } from "./redeem-ticket.ts";
import { reportFacts } from "./report-facts.ts";
import { sayHello } from "./say-hello.ts";

simulateLife();

let id: string;
let call: InstanceCall;
const nobody = { kind: "anonymous" } as const;
const secret = () => `secret of ${id}-r1`;
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

beforeEach(async () => {
  id = await into("running");
  call = await authenticateInstance(`${id}-r1.${secret()}`);
});

function hello(more: object = {}) {
  const ticket = [...cloud.tasks.values()][0]?.environment.ATELIER_LAUNCH_TICKET ?? "";
  const params = { instanceId: `${id}-r1`, ticket, secretHash: hashOf(secret()), protocolVersion: PROTOCOL_VERSION };
  return sayHello({ ...params, ...more }, nobody);
}

describe("hello", () => {
  it("answers the same supervisor again, with what to clone", async () => {
    const answer = await hello();
    expect(answer).toMatchObject({
      workspaceId: id,
      content: { fullRef: "refs/heads/main", name: "shop", path: "" },
      gitCredentials: [],
      hostSuffix: ".ws.localhost:4000",
    });
    expect(Object.keys(answer.routeKeys)).toEqual(["1"]);
  });

  it.each([
    ["another secret", { secretHash: "0".repeat(64) }, "PERMISSION_DENIED"],
    ["a forged ticket", { ticket: `1.${"A".repeat(43)}` }, "PERMISSION_DENIED"],
    ["no ticket at all", { ticket: "" }, "PERMISSION_DENIED"],
    ["the ticket of another run", { instanceId: "amber-otter-aaaaaaaa-r1" }, "PERMISSION_DENIED"],
    ["another version of the protocol", { protocolVersion: 99 }, "VERSION_MISMATCH"],
  ])("is refused with %s", async (_, more, kind) => {
    await expect(hello(more)).rejects.toMatchObject({ kind });
  });

  it("hands over the credential that stood in the context URL", async () => {
    const contextUrl = url().replace("http://", "http://ada:word@");
    const { workspace } = await createWorkspace({ contextUrl }, owner);
    await pass(6);
    const instanceId = `${workspace.id}-r1`;
    const task = [...cloud.tasks.values()].find(({ startedBy }) => startedBy === instanceId);
    const answer = await hello({
      instanceId,
      ticket: task?.environment.ATELIER_LAUNCH_TICKET,
      secretHash: hashOf(`secret of ${instanceId}`),
    });
    expect(answer.gitCredentials).toEqual([{ host: new URL(url()).host, username: "ada", password: "word" }]);
  });

  it("is refused once the run was asked to end", async () => {
    await stopWorkspace({ id }, owner);
    await expect(hello()).rejects.toMatchObject({ kind: "PERMISSION_DENIED" });
  });
});

describe("the bearer", () => {
  it.each(["", "x", ".", "amber-otter-aaaaaaaa-r1.secret"])("%j is refused", async (bearer) => {
    await expect(authenticateInstance(bearer)).rejects.toMatchObject({ kind: "UNAUTHENTICATED" });
  });

  it("is refused with another secret, and when the instance has ended", async () => {
    await expect(authenticateInstance(`${id}-r1.other`)).rejects.toMatchObject({ kind: "UNAUTHENTICATED" });
    await stopWorkspace({ id }, owner);
    await pass(5);
    await expect(authenticateInstance(`${id}-r1.${secret()}`)).rejects.toMatchObject({ kind: "UNAUTHENTICATED" });
  });
});

describe("a report", () => {
  const step = { state: "done" as const };
  const report = { bootId: "aaaaaaaa", sequence: 5, clone: step, ide: step, ports: [], tasks: [] };

  it("moves the revision only when it says something new", async () => {
    await reportFacts({ ...report, ports: [3_000] }, call);
    const { revision, instance } = await look(id);
    expect(instance?.ports).toEqual([
      { port: 3_000, visibility: "private", url: `http://3000-${id}.ws.localhost:4000/` },
    ]);
    await reportFacts({ ...report, ports: [3_000] }, call);
    await reportFacts({ ...report, sequence: 4, ports: [] }, call);
    expect((await look(id)).revision).toBe(revision);
  });

  it("cannot say that something happens in the future, or make the row too large", async () => {
    const far = 8.64e15 + 1;
    const tasks = Array.from({ length: 50 }, (_, n) => ({
      id: "i".repeat(9_000) + n,
      name: "ü".repeat(9_000),
      state: "running" as const,
    }));
    const ports = Array.from({ length: 100 }, (_, n) => 3_000 + n);
    await reportFacts({ ...report, clone: { ...step, startedAt: far }, readyAt: far, tasks, ports }, call);
    expect(JSON.stringify(await look(id)).length).toBeLessThan(24_000);
  });
});

describe("the log", () => {
  it("drops a repeated chunk, and is read after a sequence", async () => {
    expect(await appendLog({ sequence: 1, text: "one" }, call)).toEqual({ accepted: true });
    expect(await appendLog({ sequence: 1, text: "again" }, call)).toEqual({ accepted: false });
    await appendLog({ sequence: 2, text: "two" }, call);
    const read = async (logAfter: number) => (await getWorkspace({ id, logAfter }, owner)).log;
    expect(await read(0)).toEqual([
      { sequence: 1, text: "one" },
      { sequence: 2, text: "two" },
    ]);
    expect(await read(1)).toEqual([{ sequence: 2, text: "two" }]);
  });

  it("ends at 2 MB", async () => {
    const text = "x".repeat(20_000);
    for (let sequence = 1; sequence <= 100; sequence += 1) await appendLog({ sequence, text }, call);
    expect(await appendLog({ sequence: 101, text: "more" }, call)).toEqual({ accepted: false });
  });
});

describe("a heartbeat", () => {
  it("is written at most once a minute, moves no revision, and is not later than now", async () => {
    const { revision } = await look(id);
    expect(await recordHeartbeat({ activeAt: cloud.now + 99_999_999 }, call)).toEqual({ accepted: true });
    expect(await recordHeartbeat({ activeAt: cloud.now }, call)).toEqual({ accepted: false });
    expect((await getHeartbeat(id))?.activeAt).toBe(cloud.now);
    cloud.now += 60_000;
    expect(await recordHeartbeat({ activeAt: cloud.now }, call)).toEqual({ accepted: true });
    expect((await look(id)).revision).toBe(revision);
  });
});

describe("a ticket", () => {
  const host = () => `${id}.ws.localhost:4000`;
  const ticketOf = async (port?: number) => {
    const { url } = await enterWorkspace({ id, ...(port ? { port } : {}) }, owner);
    return new URL(url);
  };
  const redeem = (url: URL, at = host()) =>
    redeemTicket({ ticket: url.searchParams.get("atelier-ticket") ?? "", host: at }, call);

  it("is traded for a token with both proofs, once", async () => {
    const url = await ticketOf();
    expect(url.host).toBe(host());
    const answer = await redeem(url);
    expect(answer).toMatchObject({ cookieName: "atelier_route", secure: false, maxAgeSeconds: 43_200 });
    const [payload = "", ...proofs] = answer.token.split(".");
    expect(proofs).toHaveLength(2);
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
      t: "token",
      h: host(),
      i: `${id}-r1`,
      s: owner.sessionId,
    });
    await expect(redeem(url)).rejects.toMatchObject({ kind: "PERMISSION_DENIED" });
  });

  it("names the port in its host, and is good there only", async () => {
    const url = await ticketOf(3_000);
    expect(url.host).toBe(`3000-${id}.ws.localhost:4000`);
    await expect(redeem(url)).rejects.toMatchObject({ kind: "PERMISSION_DENIED" });
  });

  it("is too old after a minute", async () => {
    const url = await ticketOf();
    cloud.now += 60_001;
    await expect(redeem(url)).rejects.toMatchObject({ kind: "PERMISSION_DENIED" });
  });

  it("is not given for what does not run, nor to a stranger", async () => {
    await expect(enterWorkspace({ id }, { ...owner, userId: "x" })).rejects.toMatchObject({ kind: "NOT_FOUND" });
    await stopWorkspace({ id }, owner);
    await expect(enterWorkspace({ id }, owner)).rejects.toMatchObject({ kind: "CONFLICT" });
  });
});
