// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import type { Phase, Workspace } from "#protocol/workspace.ts";
import { type App, AppContext, makeApp } from "../app.ts";
import { Router } from "../routing/router.ts";
import { eventually, testEnvironment } from "../test-environment.ts";
import { makeWorkspace, TestServer } from "../test-server.ts";
import { announceChanges } from "../workspaces/announce-changes.ts";
import { Pages } from "./pages.tsx";

const ID = "amber-otter-x7k2m3q4";
const URL_OF_SHOP = "https://github.com/acme/shop";

let server: TestServer;
let app: App;
let root: HTMLElement;
let left: string[];
let endAnnouncing: () => void;

beforeEach(async () => {
  server = new TestServer();
  left = [];
  history.replaceState(null, "", "/");
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(async () => {
  endAnnouncing();
  render(null, root);
  root.remove();
  app.client.connection.stop();
  await server.stop();
});

async function visit(hash: string): Promise<void> {
  history.replaceState(null, "", `/${hash}`);
  const environment = testEnvironment(await server.start());
  app = makeApp(environment, new Router(window), (url, how) => left.push(`${how} ${url}`));
  endAnnouncing = announceChanges(app);
  render(
    <AppContext.Provider value={app}>
      <Pages />
    </AppContext.Provider>,
    root,
  );
  await app.session.load();
  if (app.session.state.value.kind !== "signed-in") return;
  app.client.connection.start();
  await app.refreshList().catch(() => {});
}

const text = () => root.textContent ?? "";
const see = (words: string) => eventually(`“${words}” on the page`, () => text().includes(words));
function control(name: string): HTMLElement {
  const all = [...root.querySelectorAll<HTMLElement>("button, a, [role=menuitem]")];
  const found = all.find((element) => (element.getAttribute("aria-label") ?? element.textContent?.trim()) === name);
  if (!found)
    throw new Error(`There is no “${name}” among ${all.map((element) => element.textContent?.trim()).join(", ")}`);
  return found;
}
async function press(name: string): Promise<void> {
  await eventually(`“${name}”`, () =>
    [...root.querySelectorAll("button, a")].some(
      (element) => (element.getAttribute("aria-label") ?? element.textContent?.trim()) === name,
    ),
  );
  control(name).click();
}
function resolved(more: Partial<ResultOf<"context.resolve">> = {}): ResultOf<"context.resolve"> {
  return {
    contextUrl: URL_OF_SHOP,
    context: makeWorkspace(ID, "running").context,
    known: false,
    class: "standard",
    existing: [],
    ...more,
  };
}
function setPhase(phase: Phase, more: Partial<NonNullable<Workspace["instance"]>> = {}): void {
  server.change(ID, ({ instance }) => ({
    instance: { ...(instance as NonNullable<typeof instance>), phase, ...more },
  }));
}

describe("signed out", () => {
  it("there is one way in per provider, and it comes back to what was wanted", async () => {
    server.signedIn = false;
    await visit(`#${URL_OF_SHOP}`);
    await see("Sign in with Local");
    const wanted = encodeURIComponent(`/#${URL_OF_SHOP}`);
    expect(control("Sign in with Local").getAttribute("href")).toBe(`/login/local?return=${wanted}`);
    expect(text()).toContain(URL_OF_SHOP);
  });
});

describe("the first page", () => {
  it("says what happens after the first paste when there is nothing yet", async () => {
    await visit("");
    await see("No workspaces yet");
  });

  it("shows what is recognised as it is typed, and asks for it on Enter", async () => {
    server.answers["context.resolve"] = () => resolved();
    await visit("");
    const field = root.querySelector("input") as HTMLInputElement;
    field.value = "git@gitlab.com:group/sub/tool.git";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await see("Host gitlab.com");
    expect(text()).toContain("Repository group/sub/tool");
    field.form?.requestSubmit();
    await see("Open workspace");
    expect(location.hash).toBe("#git@gitlab.com:group/sub/tool.git");
  });

  it("goes to the IDE by Open, and deletes only after a second yes", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "running"));
    await visit("");
    await press("Open acme/shop main");
    await eventually("the IDE", () => left.length === 1);
    expect(left[0]).toBe(`push http://${ID}.ws.localhost:4000/`);

    await press("More actions for acme/shop main");
    await press("Delete…");
    await see("What was not pushed is lost.");
    expect(server.calls).not.toContain("socket workspace.delete");
    await press("Delete");
    await see("No workspaces yet");
  });

  it("says a change of state to screen readers", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "initializing"));
    await visit("");
    await eventually("the socket", () => server.sockets.size === 1);
    setPhase("running");
    await eventually(
      "the words",
      () => root.querySelector("[aria-live=polite].sr-only")?.textContent === "acme/shop: running.",
    );
  });

  it("shows what went wrong beside the row, in the server's words", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "stopped"));
    server.answers["workspace.start"] = () => {
      throw new AtelierError("TOO_MANY_RUNNING", "8 of 8 run. Stop one, then start this.");
    };
    await visit("");
    await press("Start acme/shop main");
    await see("8 of 8 run. Stop one, then start this.");
  });
});

describe("the page of a URL", () => {
  it("waits for a click when the repository is new to this person", async () => {
    server.answers["context.resolve"] = () => resolved();
    server.answers["workspace.create"] = () => ({ workspace: makeWorkspace(ID, "preparing") });
    await visit(`#${URL_OF_SHOP}`);
    await see("You have not opened this repository before.");
    expect(text()).toContain("2 vCPU · 4 GiB · 21 GiB disk · arm64");
    expect(server.calls.some((call) => call.endsWith("workspace.create"))).toBe(false);
    await press("Open workspace");
    await eventually("the start page", () => location.hash === `#/start/${ID}`);
  });

  it("makes a workspace by itself when the repository is known", async () => {
    server.answers["context.resolve"] = () => resolved({ known: true });
    server.answers["workspace.create"] = ({ requestId }) => {
      expect(requestId).toMatch(/^[A-Za-z0-9_-]{22}$/);
      return { workspace: makeWorkspace(ID, "preparing") };
    };
    await visit(`#${URL_OF_SHOP}`);
    await eventually("the start page", () => location.hash === `#/start/${ID}`);
  });

  it("goes to the workspace that there is, starts it, and offers a new one", async () => {
    const workspace = makeWorkspace(ID, "stopped");
    server.workspaces.set(ID, workspace);
    server.answers["context.resolve"] = () => resolved({ known: true, existing: [ID] });
    server.answers["workspace.start"] = () => {
      setPhase("preparing");
      return { workspace: server.workspaces.get(ID) as Workspace };
    };
    await visit(`#${URL_OF_SHOP}`);
    await eventually("the start page", () => location.hash === `#/start/${ID}`);
    await see("Preparing");
    expect(control("Make a new one instead")).toBeDefined();
  });

  it("says what is wrong and what can be done, and tries again", async () => {
    let asked = 0;
    server.answers["context.resolve"] = () => {
      asked += 1;
      if (asked > 1) return resolved();
      throw new AtelierError("HOST_UNREACHABLE", "github.com did not answer within 12 s.");
    };
    await visit(`#${URL_OF_SHOP}`);
    await see("The Git host does not answer");
    expect(control("Back").getAttribute("href")).toBe("#/");
    await press("Try again");
    await see("Open workspace");
  });

  it("says whom it asks, and can be left at once", async () => {
    server.answers["context.resolve"] = () => new Promise(() => {});
    await visit(`#${URL_OF_SHOP}`);
    await see("Asking github.com for acme/shop");
    app.router.goTo("#/");
    await see("No workspaces yet");
  });
});

describe("the start page", () => {
  it("shows stages and log, and goes on to the IDE by itself", async () => {
    const workspace = makeWorkspace(ID, "initializing");
    if (workspace.instance) {
      const startedAt = new Date().toISOString();
      workspace.instance.stages = [{ name: "clone", state: "active", startedAt, detail: "Receiving objects 42 %" }];
    }
    server.workspaces.set(ID, workspace);
    server.log(ID, "Cloning into shop\n");
    await visit(`#/start/${ID}`);
    await see("Cloning the repository");
    await see("Receiving objects 42 %");
    await see("Cloning into shop");
    await eventually("the socket", () => server.sockets.size === 1);
    setPhase("running");
    await eventually("the IDE", () => left.length > 0);
    expect(left).toEqual([`replace http://${ID}.ws.localhost:4000/`]);
  });

  it("stays when it sees the end of a run, says why, and offers to start", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "stopping"));
    await visit(`#/start/${ID}`);
    await eventually("the socket", () => server.sockets.size === 1);
    setPhase("stopped", { conditions: { timeout: "Stopped after 30 minutes without activity." } });
    await see("Stopped after 30 minutes without activity.");
    expect(control("Start")).toBeDefined();
    setPhase("running");
    await see("VS Code is ready.");
    expect(left).toEqual([]);
  });

  it("can be cancelled in every phase before its end", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "preparing"));
    server.answers["workspace.stop"] = () => {
      setPhase("stopping");
      return { workspace: server.workspaces.get(ID) as Workspace };
    };
    await visit(`#/start/${ID}`);
    await press("Cancel");
    await see("Stopping");
  });

  it("says what happened when a start failed, and starts again on request", async () => {
    const workspace = makeWorkspace(ID, "stopped");
    if (workspace.instance)
      workspace.instance.conditions = { failed: "The disk is full. Delete a workspace, then try again." };
    server.workspaces.set(ID, workspace);
    server.answers["workspace.start"] = () => {
      setPhase("preparing", { conditions: {} });
      return { workspace: server.workspaces.get(ID) as Workspace };
    };
    await visit(`#/start/${ID}`);
    await see("The disk is full.");
    await press("Try again");
    await see("Preparing");
    setPhase("running");
    await eventually("the IDE", () => left.length > 0);
  });

  it("is honest about a workspace that there is not", async () => {
    await visit(`#/start/${ID}`);
    await see("There is no such workspace of yours");
  });

  it("says so when the workspace is deleted meanwhile", async () => {
    server.workspaces.set(ID, makeWorkspace(ID, "stopped"));
    await visit(`#/start/${ID}`);
    await see("Start");
    await eventually("the socket", () => server.sockets.size === 1);
    server.push("workspace.deleted", { id: ID, revision: 9 });
    await see("This workspace was deleted");
  });
});
