// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import type { Span, Trace } from "#protocol/methods/trace.ts";
import { type App, AppContext, makeApp } from "../app.ts";
import { Router } from "../routing/router.ts";
import { eventually, testEnvironment } from "../test-environment.ts";
import { makeWorkspace, TestServer } from "../test-server.ts";
import { Pages } from "./pages.tsx";

const ID = "amber-otter-x7k2m3q4";
const FROM = Date.parse("2026-03-20T12:00:00.000Z");
const iso = (ms: number) => new Date(FROM + ms).toISOString();

let server: TestServer;
let app: App;
let root: HTMLElement;

beforeEach(() => {
  server = new TestServer();
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(async () => {
  render(null, root);
  root.remove();
  app.client.connection.stop();
  await server.stop();
});

async function visit(hash: string): Promise<void> {
  history.replaceState(null, "", `/${hash}`);
  app = makeApp(testEnvironment(await server.start()), new Router(window), () => {});
  render(
    <AppContext.Provider value={app}>
      <Pages />
    </AppContext.Provider>,
    root,
  );
  await app.session.load();
  app.client.connection.start();
  await app.refreshList();
}

function span(name: Span["name"], from: number, to: number | undefined, more: Partial<Span> = {}): Span {
  const end = to === undefined ? { state: "active" as const } : { state: "done" as const, endedAt: iso(to) };
  return { name, startedAt: iso(from), ...end, ...more };
}

function trace(spans: Span[], more: Partial<Trace> = {}): Trace {
  return {
    instanceId: `${ID}-r2`,
    workspaceId: ID,
    phase: "running",
    conditions: {},
    requestedAt: iso(0),
    spans,
    marks: [{ name: "requested", at: iso(0) }],
    ...more,
  };
}

const STARTED = [
  span("queue", 0, 1_000),
  span("task", 1_000, 7_500),
  span("attempt-1", 1_000, 1_200, { parent: "task", state: "refused", detail: "Waiting for capacity" }),
  span("pending", 2_000, 7_500, { parent: "task" }),
  span("clone", 7_500, 10_000),
];

const text = () => root.textContent ?? "";
const see = (words: string) => eventually(`“${words}” on the page`, () => text().includes(words));
const row = (name: string) => root.querySelector(`tr[data-span="${name}"]`) as HTMLElement;
const cells = (name: string) =>
  [...row(name).querySelectorAll("td:not([aria-hidden])")].map((cell) => cell.firstChild?.textContent);

describe("the trace of a run", () => {
  it("is a table of steps, each with its beginning and its time", async () => {
    server.answers["instance.trace"] = () => ({ trace: trace([...STARTED, span("running", 10_000, undefined)]) });
    await visit(`#/trace/${ID}-r2`);
    await see("Ready 10.0 s after it was asked for.");
    expect(text()).toContain("Longest: Starting the container, 6.5 s (65 %).");
    const table = root.querySelector("table");
    expect(document.getElementById(table?.getAttribute("aria-labelledby") ?? "")?.textContent).toContain("The start");
    expect([...root.querySelectorAll("th[scope=col]")].map((head) => head.textContent)).toEqual([
      "Step",
      "Began",
      "Took",
    ]);
    expect(cells("task")).toEqual(["+1.0 s", "6.5 s"]);
    expect(row("attempt-1").textContent).toContain("refused");
    expect(row("attempt-1").textContent).toContain("Waiting for capacity");
    expect(row("running")).toBeNull();
    expect(text()).toContain("It has been running for");
  });

  it("draws all bars of a start on one axis", async () => {
    server.answers["instance.trace"] = () => ({ trace: trace([...STARTED, span("running", 10_000, undefined)]) });
    await visit(`#/trace/${ID}-r2`);
    await see("Ready");
    const bar = row("clone").querySelector<HTMLElement>("[data-bar]");
    expect(bar?.style.left).toContain("75%");
    expect(bar?.style.width).toContain("25%");
    expect(bar?.closest("[aria-hidden]")).not.toBeNull();
  });

  it("says where a start failed, and why", async () => {
    const reason = "The repository is gone. Ask whoever owned it.";
    const failed = span("clone", 7_500, 9_000, { state: "failed", reason });
    const end = span("stopping", 9_000, 12_000);
    server.answers["instance.trace"] = () => ({
      trace: trace([...STARTED.slice(0, 4), failed, end], { phase: "stopped", conditions: { failed: reason } }),
    });
    await visit(`#/trace/${ID}-r2`);
    await see("Failed after 9.0 s. Where: Cloning the repository.");
    expect(row("clone").dataset.state).toBe("failed");
    expect(row("clone").textContent).toContain(reason);
    expect(cells("stopping")).toEqual(["+0 ms", "3.0 s"]);
  });

  it("follows a start that is on its way", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "pending"));
    const spans = [span("queue", 0, undefined)];
    server.answers["instance.trace"] = () => ({
      trace: trace([...spans], { instanceId: `${ID}-r1`, phase: "pending" }),
    });
    await visit(`#/trace/${ID}-r1`);
    await see("On its way for");
    spans.splice(0, 1, span("queue", 0, 1_000), span("task", 1_000, undefined));
    server.change(ID, () => ({}));
    await eventually("the next step", () => row("task")?.dataset.state === "active");
  });

  it("leads to the runs before and after, and back", async () => {
    const workspace = makeWorkspace(ID, "running");
    server.workspaces.set(ID, {
      ...workspace,
      instance: { ...(workspace.instance as NonNullable<typeof workspace.instance>), id: `${ID}-r3` },
    });
    server.answers["instance.trace"] = () => ({ trace: trace(STARTED) });
    await visit(`#/trace/${ID}-r2`);
    await see("Run 3");
    const links = [...root.querySelectorAll("nav a")].map((link) => link.getAttribute("href"));
    expect(links).toEqual([`#/start/${ID}`, `#/trace/${ID}-r1`, `#/trace/${ID}-r3`, "#/"]);
  });

  it("is honest about a run of which nothing is known", async () => {
    server.answers["instance.trace"] = () => {
      throw new AtelierError("NOT_FOUND", "Nothing is known of this run.");
    };
    await visit(`#/trace/${ID}-r9`);
    await see("Its workspace was deleted or belongs to somebody else");
  });

  it("is reached from the start page and from the row's menu", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "stopped"));
    server.answers["instance.trace"] = () => ({ trace: trace(STARTED) });
    await visit(`#/start/${ID}`);
    await see("Where the time went");
    const link = [...root.querySelectorAll("a")].find((one) => one.textContent === "Where the time went");
    expect(link?.getAttribute("href")).toBe(`#/trace/${ID}-r1`);

    app.router.goTo("");
    await eventually("the row", () => root.querySelector(`[data-row="${ID}"]`));
    root.querySelector<HTMLElement>(`[data-row] [aria-haspopup=menu]`)?.click();
    await eventually("the menu", () => root.querySelector("[role=menuitem]"));
    const item = [...root.querySelectorAll<HTMLElement>("[role=menuitem]")].find(
      (one) => one.textContent === "Where the time went",
    );
    item?.click();
    await see("The start");
    expect(location.hash).toBe(`#/trace/${ID}-r1`);
  });
});
