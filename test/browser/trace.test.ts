import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Person } from "../person.ts";
import { useAtelier } from "../use-atelier.ts";
import { launchChromium } from "./launch-chromium.ts";

const stage = useAtelier();

const SCREENSHOTS = join(import.meta.dirname, "..", "..", "build", "screenshots");

interface Trace {
  phase: string;
  requestedAt: string;
  spans: { name: string; state: string; startedAt: string; endedAt?: string; reason?: string }[];
}

let browser: Browser;
let page: Page;
let ada: Person;
/** What the browser complained of: a bar that the content security policy refuses is one of them. */
const complaints: string[] = [];

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await launchChromium();
  ada = await Person.signIn(stage.atelier.origin, "ada");
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${stage.atelier.origin}/login/local?login_hint=ada`);
  await page.getByRole("textbox").waitFor();
});

afterAll(async () => {
  await browser?.close();
});

const traceOf = async (instanceId: string) =>
  (await ada.call<{ trace: Trace }>("instance.trace", { instanceId })).trace;

describe("where the time of a run went", () => {
  let id: string;

  it("is kept of a former run, and shown from the row's menu to its end", async () => {
    ({ id } = await ada.create(`${stage.git.url}/acme/shop.git`));
    await ada.until(id, "running");
    await ada.call("workspace.stop", { id });
    await ada.until(id, "stopped", 40_000);
    await ada.call("workspace.start", { id });
    const again = await ada.until(id, ["running", "stopped"]);
    expect(again.instance?.phase).toBe("running");

    const former = await traceOf(`${id}-r1`);
    const names = former.spans.map(({ name }) => name);
    for (const name of ["queue", "volume", "task", "attempt-1", "supervisor", "clone", "ide", "running", "stopping"]) {
      expect(names).toContain(name);
    }
    expect(
      former.spans.every(({ startedAt, endedAt = "" }) => former.requestedAt <= startedAt && startedAt <= endedAt),
    ).toBe(true);
    const eve = await Person.signIn(stage.atelier.origin, "eve");
    await expect(eve.call("instance.trace", { instanceId: `${id}-r1` })).rejects.toMatchObject({ kind: "NOT_FOUND" });

    await page.getByRole("button", { name: /^More actions/ }).click();
    await page.getByRole("menuitem", { name: "Where the time went" }).click();
    await page.getByText(/^Ready .* after it was asked for/).waitFor();
    await page.getByRole("link", { name: "Run 1" }).click();
    await page.getByRole("table", { name: /^The end/ }).waitFor();
    await page.screenshot({ path: join(SCREENSHOTS, "trace.png"), fullPage: true });
  });

  it("is a table to whoever hears it, with bars on one axis for whoever sees it", async () => {
    const start = page.getByRole("table", { name: /^The start/ });
    const clone = start.getByRole("row", { name: /Cloning the repository/ });
    expect(await clone.getByRole("cell").count()).toBe(2);
    const [first, last] = await Promise.all(
      ["queue", "ide"].map((name) => page.locator(`tr[data-span=${name}] td [data-bar]`).boundingBox()),
    );
    expect(first?.width).toBeGreaterThan(2);
    expect(last?.x).toBeGreaterThan((first?.x ?? 0) + (first?.width ?? 0));
  });

  it("fits 360 px, in the dark", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: join(SCREENSHOTS, "trace-360-dark.png"), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await page.locator("tr[data-span=queue] th [data-bar]").isVisible()).toBe(true);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
  });

  it("says where a start failed, and why", async () => {
    const created = await ada.create(`${stage.git.url}/acme/shop.git`);
    // Its host goes down between the answer and the clone.
    await stage.git.stop();
    const failed = await ada.until(created.id, ["running", "stopped"]);
    expect(failed.instance?.phase).toBe("stopped");
    const { spans } = await traceOf(`${created.id}-r1`);
    expect(spans.find(({ name }) => name === "clone")).toMatchObject({
      state: "failed",
      reason: failed.instance?.conditions.failed,
    });
    await page.goto(`${stage.atelier.origin}/#/start/${created.id}`);
    await page.getByRole("link", { name: "Where the time went" }).click();
    await page.getByText(/^Failed after .* Where: Cloning the repository/).waitFor();
    expect(await page.locator("tr[data-span=clone]").innerText()).toContain(failed.instance?.conditions.failed);
    await page.screenshot({ path: join(SCREENSHOTS, "trace-failed.png"), fullPage: true });
  });

  it("makes the browser complain of nothing", () => {
    expect(complaints).toEqual([]);
  });
});
