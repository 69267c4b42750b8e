import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import { eventually, HeldTimers, testEnvironment } from "../test-environment.ts";
import { makeWorkspace, TestServer } from "../test-server.ts";
import { followLogs } from "../workspaces/follow-log.ts";
import { keepInStep } from "../workspaces/keep-in-step.ts";
import { LogBook } from "../workspaces/log-store.ts";
import { WorkspaceStore } from "../workspaces/workspace-store.ts";
import { backoffMs } from "./environment.ts";
import { RpcClient } from "./rpc-client.ts";

const ID = "amber-otter-x7k2m3q4";
const OTHER = "teal-heron-b3c4d5e6";
const MINUTE_MS = 60_000;

let server: TestServer;
let origin: string;
let client: RpcClient;

beforeEach(async () => {
  server = new TestServer();
  origin = await server.start();
  client = new RpcClient(testEnvironment(origin));
});
afterEach(async () => {
  client.connection.stop();
  await server.stop();
});

async function open(): Promise<void> {
  client.connection.start();
  await eventually("an open socket", () => client.connection.state.value === "open");
  await eventually("the first sign of life", () => server.calls.includes("socket workspace.list"));
}

describe("calls", () => {
  it("go by POST until the socket is open, then over the socket", async () => {
    expect((await client.call("user.me", {})).name).toBe("Ada Lovelace");
    expect(server.calls).toEqual(["post user.me"]);
    await open();
    await client.call("user.me", {});
    expect(server.calls.at(-1)).toBe("socket user.me");
  });

  it("throw what the server says, with its name", async () => {
    const get = client.call("workspace.get", { id: ID });
    await expect(get).rejects.toMatchObject({ kind: "NOT_FOUND" });
  });

  it("fetch by POST what is too large for the socket", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "running"));
    server.log(ID, "x".repeat(40_000));
    await open();
    expect((await client.call("workspace.get", { id: ID, logAfter: 0 })).log).toHaveLength(1);
    const gets = server.calls.filter((call) => call.endsWith("workspace.get"));
    expect(gets).toEqual(["socket workspace.get", "post workspace.get"]);
  });

  it("are repeated when the socket breaks before the answer, where that does no harm", async () => {
    await open();
    let asked = 0;
    server.answers["workspace.stop"] = () => {
      asked += 1;
      if (asked > 1) return { workspace: makeWorkspace(ID, "stopping") };
      for (const socket of server.sockets) socket.terminate();
      return new Promise(() => {});
    };
    expect((await client.call("workspace.stop", { id: ID })).workspace.id).toBe(ID);
    expect(asked).toBe(2);
  });

  // Found by simulated histories: a function crashed, API Gateway's frame named no call, and a button waited for ever.
  it("are repeated when no answer comes over a socket that lives", async () => {
    const timers = new HeldTimers();
    client = new RpcClient(testEnvironment(origin, { after: timers.after }));
    await open();
    let asked = 0;
    server.answers["workspace.stop"] = () => {
      asked += 1;
      return asked > 1 ? { workspace: makeWorkspace(ID, "stopping") } : new Promise(() => {});
    };
    const stopped = client.call("workspace.stop", { id: ID });
    await eventually("the first question", () => asked === 1);
    expect(timers.run(30_000, 40_000)).toBe(1);
    expect((await stopped).workspace.id).toBe(ID);
  });

  // Found by the bench of scale: with more calls at once than functions may run, each button waited 35 s for what was refused at once.
  it("are repeated soon when API Gateway says that it could not run the function", async () => {
    await open();
    let asked = 0;
    server.answers["workspace.stop"] = () => {
      asked += 1;
      if (asked > 1) return { workspace: makeWorkspace(ID, "stopping") };
      const refusal = { message: "Internal server error", connectionId: "L0SM9cOFvHcCIhw=", requestId: "L0SM9cOF=" };
      for (const socket of server.sockets) socket.send(JSON.stringify(refusal));
      return new Promise(() => {});
    };
    expect((await client.call("workspace.stop", { id: ID })).workspace.id).toBe(ID);
    expect(asked).toBe(2);
  });

  it("make no second workspace: a create without a request id is not repeated, one with it is", async () => {
    await open();
    let asked = 0;
    server.answers["workspace.create"] = () => {
      asked += 1;
      if (asked !== 1 && asked !== 2) return { workspace: makeWorkspace(ID, "preparing") };
      for (const socket of server.sockets) socket.terminate();
      return new Promise(() => {});
    };
    const contextUrl = "https://github.com/acme/shop";
    await expect(client.call("workspace.create", { contextUrl })).rejects.toMatchObject({ kind: "UNAVAILABLE" });
    expect(asked).toBe(1);
    await eventually("another socket", () => client.connection.state.value === "open");
    expect((await client.call("workspace.create", { contextUrl, requestId: "request-1" })).workspace.id).toBe(ID);
    expect(asked).toBe(3);
  });

  it("say that the server cannot be reached, after a few attempts", async () => {
    await server.stop();
    await expect(client.call("user.me", {})).rejects.toMatchObject({ kind: "UNAVAILABLE" });
    server = new TestServer();
  });

  it("end at once when they are cancelled", async () => {
    server.answers["context.resolve"] = () => new Promise(() => {});
    for (const way of ["post", "socket"]) {
      if (way === "socket") await open();
      const controller = new AbortController();
      const call = client.call("context.resolve", { contextUrl: "x.test/r" }, controller.signal);
      await eventually("the call", () => server.calls.includes(`${way} context.resolve`));
      controller.abort();
      await expect(call).rejects.toBe(controller.signal.reason);
    }
  });
});

describe("the connection", () => {
  it("is made again after it broke, and by the nudge of a network that is back", async () => {
    await open();
    server.refuseSockets = 503;
    for (const socket of server.sockets) socket.terminate();
    await eventually("the loss", () => client.connection.state.value === "lost");
    server.refuseSockets = undefined;
    client.connection.nudge();
    await eventually("an open socket", () => client.connection.state.value === "open");
  });

  it("ends for good, and says so, when nobody is signed in", async () => {
    let signedOut = false;
    client.onSignedOut = () => {
      signedOut = true;
    };
    server.signedIn = false;
    client.connection.start();
    await eventually("the end", () => client.connection.state.value === "ended");
    expect(signedOut).toBe(true);
  });

  it("says every 4 to 5 minutes that it lives, and is renewed after 80 to 115 minutes without a gap", async () => {
    const timers = new HeldTimers();
    client = new RpcClient(testEnvironment(origin, { after: timers.after, random: () => 0.5 }));
    const states: string[] = [];
    client.connection.state.subscribe((state) => states.push(state));
    await open();
    const lives = () => server.calls.filter((call) => call === "socket workspace.list").length;
    await eventually("the next sign's timer", () =>
      timers.waiting.some(({ milliseconds }) => milliseconds === 4.5 * MINUTE_MS),
    );
    timers.run(4 * MINUTE_MS, 5 * MINUTE_MS);
    await eventually("a second sign of life", () => lives() === 2);

    const [first] = server.sockets;
    expect(timers.run(80 * MINUTE_MS, 115 * MINUTE_MS)).toBe(1);
    await eventually("the old socket's end", () => first && !server.sockets.has(first));
    expect(server.sockets.size).toBe(1);
    await eventually("a sign of life on the new one", () => lives() === 3);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("waits longer and longer, but never in step with others nor longer than 30 s", () => {
    expect(backoffMs(0, () => 0.5)).toBe(250);
    expect(backoffMs(3, () => 0.5)).toBe(2_000);
    expect(backoffMs(50, () => 0.999)).toBeLessThan(30_000);
    expect(backoffMs(3, () => 0)).toBe(0);
  });
});

describe("a tab", () => {
  const stores: WorkspaceStore[] = [];
  function tab() {
    const store = new WorkspaceStore();
    const { refresh } = keepInStep(client, store);
    stores.push(store);
    return { store, refresh };
  }

  it("shows what is pushed, and drops what is older than what it shows", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "preparing"));
    const { store, refresh } = tab();
    await refresh();
    await open();
    server.change(ID, ({ instance }) => ({
      instance: { ...(instance as NonNullable<typeof instance>), phase: "running" },
    }));
    await eventually("the push", () => store.get(ID)?.instance?.phase === "running");
    server.push("workspace.changed", { workspace: makeWorkspace(ID, "preparing", { revision: 1 }) });
    server.push("workspace.deleted", { id: OTHER, revision: 4 });
    await eventually("the pushes after it", () => store.isDeleted(OTHER));
    expect(store.get(ID)?.instance?.phase).toBe("running");
  });

  it("finds by its digest what pushes it missed: changes, deletions, and new workspaces", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "running"));
    const { store, refresh } = tab();
    await refresh();
    server.workspaces.delete(ID);
    server.workspaces.set(OTHER, makeWorkspace(OTHER, "running"));
    await open();
    await eventually("the new one", () => store.get(OTHER));
    await eventually("the deletion", () => store.isDeleted(ID));
  });

  it("keeps what the list leaves out while the server still knows it", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "running"));
    const { store, refresh } = tab();
    await refresh();
    server.answers["workspace.list"] = () => ({ workspaces: [] });
    await refresh();
    expect(store.get(ID)).toBeDefined();
  });

  it("reads a list of several pages", async () => {
    const pages = [makeWorkspace(ID, "running"), makeWorkspace(OTHER, "stopped")];
    server.answers["workspace.list"] = ({ cursor }) =>
      cursor ? { workspaces: pages.slice(1) } : { workspaces: pages.slice(0, 1), cursor: "2" };
    const { store, refresh } = tab();
    await refresh();
    expect(store.list.value).toHaveLength(2);
    expect(store.loaded.value).toBe(true);
  });

  it("says why the list is not there, until it is", async () => {
    const { store, refresh } = tab();
    server.answers["workspace.list"] = () => {
      throw new AtelierError("INTERNAL_ERROR", "Broken.");
    };
    await refresh().catch(() => {});
    expect(store.problem.value?.message).toBe("Broken.");
    delete server.answers["workspace.list"];
    await refresh();
    expect(store.problem.value).toBeUndefined();
  });

  it("catches up with the part of a log that was not pushed to it", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "initializing"));
    server.log(ID, "one\n");
    server.log(ID, "two\n");
    const logs = new LogBook();
    const { store } = tab();
    followLogs(client, store, logs);
    await open();
    server.log(ID, "three\n");
    const view = () => logs.of(`${ID}-r1`).view.value.lines.join();
    await eventually("the whole log", () => view() === "one,two,three");
  });
});
