import http from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import { ControlPlane } from "./call-control-plane.ts";
import { type Clock, realClock } from "./clock.ts";
import { INSTANCE, type StandIn, startStandIn } from "./control-plane.fixture.ts";
import { keepSocket } from "./keep-socket.ts";
import { Reporter } from "./report-facts.ts";
import { LogShipper } from "./ship-log.ts";

let standIn: StandIn;
let up: ControlPlane;
const hurried = { ...realClock, setTimeout: (f: () => void, ms: number) => realClock.setTimeout(f, ms / 20) };

beforeEach(async () => {
  standIn = await startStandIn();
  up = new ControlPlane({ endpoint: standIn.url, clock: hurried, chance: () => 0.5 });
  const secretHash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"
  await up.call("instance.hello", { instanceId: INSTANCE, ticket: "launch", secretHash, protocolVersion: 1 });
  up.bearer = `${INSTANCE}.secret`;
});
afterEach(async () => {
  up.close();
  await standIn.stop();
});

describe("ControlPlane", () => {
  it("repeats a call until it is answered, with the newest parameters", async () => {
    let failures = 4;
    standIn.before = () => {
      failures -= 1;
      if (failures === 2) throw new AtelierError("UNAVAILABLE", "later");
      return failures > 0 ? 503 : undefined;
    };
    let now = 0;
    await up.call("instance.heartbeat", () => {
      now += 1;
      return { activeAt: now };
    });
    expect(standIn.calls.at(-1)).toEqual({ method: "instance.heartbeat", params: { activeAt: 4 } });
  });

  it("does not repeat what can never succeed", async () => {
    await expect(up.call("instance.redeem", { ticket: "used", host: "h" })).rejects.toMatchObject({
      kind: "PERMISSION_DENIED",
    });
    up.bearer = `${INSTANCE}.wrong`;
    await expect(up.call("instance.heartbeat", { activeAt: 1 })).rejects.toMatchObject({ kind: "UNAUTHENTICATED" });
  });

  it("stops when it is told to, in the middle of waiting", async () => {
    standIn.before = () => 500;
    const over = AbortSignal.timeout(50);
    await expect(up.call("instance.heartbeat", { activeAt: 1 }, over)).rejects.toThrow(/timeout/);
  });

  it("gives up on an attempt that is not answered, and makes another", async () => {
    let asked = 0;
    const silent = http.createServer(() => (asked += 1));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const fast = { ...realClock, setTimeout: (f: () => void, ms: number) => realClock.setTimeout(f, ms / 500) };
    const lost = new ControlPlane({ endpoint: `http://localhost:${port}`, clock: fast, chance: () => 0.5 });
    const over = new AbortController();
    const call = lost.call("instance.heartbeat", { activeAt: 1 }, over.signal);
    await vi.waitFor(() => expect(asked).toBeGreaterThan(1));
    over.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    silent.closeAllConnections();
    silent.close();
  });
});

describe("Reporter", () => {
  it("sends one report at a time, whole, with growing sequences, and the newest last", async () => {
    let open = 0;
    let most = 0;
    standIn.before = (method) => {
      if (method === "instance.report") open += 1;
      most = Math.max(most, open);
      return undefined;
    };
    const reporter = new Reporter({
      clock: hurried,
      send: async (newest) => {
        await up.call("instance.report", newest);
        open -= 1;
      },
      onRefused: () => undefined,
    });
    for (let percent = 0; percent <= 100; percent += 1) {
      reporter.update({ clone: { state: "active", detail: `Receiving objects ${percent} %` } });
      if (percent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    reporter.update({ failure: "first" });
    reporter.update({ failure: "second", ports: [3000] });
    await reporter.acknowledged();
    expect(most).toBe(1);
    expect(standIn.reports.length).toBeLessThan(20);
    expect(standIn.reports.map(({ sequence }) => sequence)).toEqual(standIn.reports.map((_, index) => index + 1));
    expect(standIn.reports.at(-1)).toMatchObject({
      failure: "first",
      ports: [3000],
      clone: { detail: "Receiving objects 100 %" },
    });
  });

  it("says how far something is once a second, and news within a fifth of one", async () => {
    let now = 0;
    const timers: { at: number; callback: () => void }[] = [];
    const clock: Clock = {
      now: () => now,
      setTimeout(callback, ms) {
        const timer = { at: now + ms, callback };
        timers.push(timer);
        return { cancel: () => void timers.splice(timers.indexOf(timer) >>> 0, 1) };
      },
    };
    const sent: { at: number; detail: string | undefined; ports: readonly number[] }[] = [];
    const reporter = new Reporter({
      clock,
      send: async (newest) => {
        const { clone, ports } = newest();
        sent.push({ at: now, detail: clone.detail, ports });
      },
      onRefused: () => undefined,
    });
    for (; now < 3_000; now += 50) {
      for (const timer of timers.filter(({ at }) => at <= now)) timer.callback();
      reporter.update({ clone: { state: "active", detail: `${now}` }, ports: now < 1_500 ? [] : [3_000] });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent.map(({ at }) => at)).toEqual([0, 1_000, 1_500, 2_500]);
    expect(sent[2]).toMatchObject({ detail: "1500", ports: [3_000] });
  });

  it("does not let a ready IDE wait for its turn", async () => {
    const held: Clock = { now: () => 0, setTimeout: () => ({ cancel() {} }) };
    const sent: boolean[] = [];
    const reporter = new Reporter({
      clock: held,
      send: async (newest) => void sent.push(newest().readyAt !== undefined),
      onRefused: () => undefined,
    });
    reporter.update({ ports: [1] });
    await vi.waitFor(() => expect(sent).toEqual([false]));
    // Time stands still, so that nothing but haste can send it.
    reporter.update({ ports: [2] });
    reporter.update({ readyAt: 1 });
    await reporter.acknowledged();
    expect(sent).toEqual([false, true]);
  });

  it("says once that it is refused for good, and does not go on", async () => {
    standIn.before = () => {
      throw new AtelierError("PERMISSION_DENIED", "over");
    };
    const refusals: unknown[] = [];
    const reporter = new Reporter({
      clock: hurried,
      send: (newest) => up.call("instance.report", newest),
      onRefused: (error) => refusals.push(error),
    });
    reporter.update({ ports: [1] });
    await reporter.acknowledged();
    reporter.update({ ports: [2] });
    await reporter.acknowledged();
    expect(refusals).toHaveLength(1);
  });
});

describe("LogShipper", () => {
  it("sends every line once and in order, whatever fails", async () => {
    let calls = 0;
    standIn.before = () => {
      calls += 1;
      return calls % 2 === 0 ? 500 : undefined;
    };
    const log = new LogShipper({ clock: hurried, send: (batch) => up.call("instance.log", batch) });
    const lines = Array.from({ length: 3_000 }, (_, index) => `line ${index} ${"é".repeat(index % 40)}`);
    for (const line of lines) log.line(line);
    await log.flush();
    expect(standIn.log()).toBe(`${lines.join("\n")}\n`);
    expect(Math.max(...standIn.calls.map(({ params }) => String(params.text ?? "").length))).toBeLessThanOrEqual(8_000);
  });

  it("cuts no character in two, and bounds what waits", async () => {
    const batches: { sequence: number; text: string }[] = [];
    const log = new LogShipper({ clock: hurried, send: async (batch) => void batches.push(batch) });
    log.line(`a${"😀".repeat(10_000)}`);
    await log.flush();
    for (const { text } of batches) expect(text.isWellFormed()).toBe(true);
    for (let index = 0; index < 100; index += 1) log.line("x".repeat(20_000));
    await log.flush();
    const sent = batches.map(({ text }) => text).join("");
    expect(sent).toMatch(/\[\d+ characters of the log were left out\]/);
    expect(sent.length).toBeLessThan(700_000);
    expect(batches.map(({ sequence }) => sequence)).toEqual(batches.map((_, index) => index + 1));
  });
});

describe("keepSocket", () => {
  it("subscribes, hears what it knows, and comes back however it was cut", async () => {
    const heard: string[] = [];
    const over = new AbortController();
    const ended = keepSocket(
      {
        endpoint: standIn.url,
        bearer: `${INSTANCE}.secret`,
        // Only the pause between two connections is hurried, not the time that a pong may take.
        clock: { ...realClock, setTimeout: (f, ms) => realClock.setTimeout(f, ms < 1_000 ? ms / 20 : ms) },
        chance: () => 0.5,
        onNotification: (name, params) => heard.push(`${name} ${JSON.stringify(params)}`),
      },
      over.signal,
    );
    await vi.waitFor(() => expect(standIn.messages).toHaveLength(1));
    for (const socket of standIn.sockets) {
      socket.send("nonsense");
      socket.send(JSON.stringify({ jsonrpc: "2.0", method: "unknown", params: {} }));
      socket.send(
        JSON.stringify({
          jsonrpc: "2.0",
          method: "workspace.deleted",
          params: { id: "amber-otter-x7k2m3q4", revision: 3 },
        }),
      );
    }
    await vi.waitFor(() => expect(heard).toEqual(['workspace.deleted {"id":"amber-otter-x7k2m3q4","revision":3}']));
    for (const socket of standIn.sockets) socket.terminate();
    await vi.waitFor(() => expect(standIn.messages).toHaveLength(2));
    over.abort();
    await ended;
    await vi.waitFor(() => expect(standIn.sockets.size).toBe(0));
  });

  it("leaves by itself after 80 to 115 minutes and connects again", async () => {
    const over = new AbortController();
    const delays: number[] = [];
    const clock = {
      ...realClock,
      setTimeout: (f: () => void, ms: number) => {
        delays.push(ms);
        return realClock.setTimeout(f, ms > 60 * 60_000 ? 20 : ms / 20);
      },
    };
    const ended = keepSocket(
      {
        endpoint: standIn.url,
        bearer: `${INSTANCE}.secret`,
        clock,
        chance: Math.random,
        onNotification: () => undefined,
      },
      over.signal,
    );
    await vi.waitFor(() => expect(standIn.messages.length).toBeGreaterThan(2));
    over.abort();
    await ended;
    const lives = delays.filter((ms) => ms > 60 * 60_000);
    expect(lives.length).toBeGreaterThan(1);
    for (const life of lives) {
      expect(life).toBeGreaterThanOrEqual(80 * 60_000);
      expect(life).toBeLessThan(115 * 60_000);
    }
  });
});
