import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../person.ts";
import { findInVolumes } from "../system/find-in-volumes.ts";
import { useAtelier } from "../use-atelier.ts";
import { launchChromium } from "./launch-chromium.ts";

const stage = useAtelier();

/** Screenshots of every step are a build output, to be looked at. */
const SCREENSHOTS = join(import.meta.dirname, "../../build/screenshots");

let browser: Browser;
let ada: BrowserContext;
let page: Page;
let step = 0;

async function screenshot(name: string, of: Page = page): Promise<void> {
  step += 1;
  await of.screenshot({ path: join(SCREENSHOTS, `${String(step).padStart(2, "0")}-${name}.png`) });
}

/** VS Code is there when its explorer lists files. */
async function seeInExplorer(file: string): Promise<void> {
  await page.locator(".explorer-folders-view .monaco-list-row", { hasText: file }).first().waitFor({ timeout: 60_000 });
}

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await launchChromium();
  ada = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await ada.newPage();
});

afterAll(async () => {
  await browser?.close();
});

describe("the whole way, in Chromium", () => {
  let workspaceUrl: string;

  it("signs in with one click", async () => {
    await page.goto(stage.atelier.origin);
    const button = page.getByRole("link", { name: /^Sign in/ }).or(page.getByRole("button", { name: /^Sign in/ }));
    await button.waitFor();
    await screenshot("sign-in");
    await button.click();
    await page.getByRole("textbox").waitFor();
    expect(new URL(page.url()).origin).toBe(stage.atelier.origin);
    await screenshot("first-page");
  });

  it("shows what would be opened, and waits for a click", async () => {
    await page.getByRole("textbox").fill(`${stage.git.url}/acme/shop.git`);
    await screenshot("pasted");
    await page.keyboard.press("Enter");
    const open = page.getByRole("button", { name: "Open workspace" });
    await open.waitFor();
    await page.getByText("shop").first().waitFor();
    await screenshot("what-would-be-opened");
    await open.click();
  });

  it("shows the stages and ends in VS Code, clean", async () => {
    await page.getByText("Clon", { exact: false }).first().waitFor();
    await screenshot("starting");
    await page.waitForURL(/\.ws\.localhost:/, { timeout: 60_000 });
    await seeInExplorer("README.md");
    workspaceUrl = page.url();
    expect(workspaceUrl).toMatch(
      new RegExp(`^http://[a-z]+-[a-z]+-[a-z0-9]{8}\\.ws\\.localhost:${stage.atelier.port}/$`),
    );
    await screenshot("ide");
    expect(await page.locator(".notification-toast").count()).toBe(0);
    expect(await page.locator(".part.auxiliarybar:visible").count()).toBe(0);
    expect(await page.getByText(/trust the authors/i).count()).toBe(0);
  });

  it("runs a command in VS Code's terminal", async () => {
    await page.keyboard.press("Control+Backquote");
    await page.locator(".terminal-wrapper.active .xterm-screen").waitFor({ timeout: 30_000 });
    await page.locator(".terminal-wrapper.active .xterm-helper-textarea").focus();
    await page.keyboard.type("git log --oneline > from-terminal.txt && echo $((6*7)) >> from-terminal.txt\n");
    await seeInExplorer("from-terminal.txt");
    const [file] = findInVolumes(stage.atelier.home, "shop/from-terminal.txt");
    await eventually("the command's output", () => readFileSync(file as string, "utf8").endsWith("42\n"));
    await screenshot("terminal");
  });

  it("edits and saves a file", async () => {
    await page.locator(".explorer-folders-view .monaco-list-row", { hasText: "README.md" }).dblclick();
    const editor = page.locator(".editor-instance .monaco-editor").first();
    await editor.waitFor();
    await editor.locator(".view-lines").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("Edited in the browser.");
    await page.keyboard.press("Control+S");
    const [file] = findInVolumes(stage.atelier.home, "shop/README.md");
    await eventually("the saved file", () => readFileSync(file as string, "utf8").includes("Edited in the browser."));
    await screenshot("edited");
  });

  it("keeps two tabs of the list in agreement through stop and start", async () => {
    const first = await ada.newPage();
    const second = await ada.newPage();
    for (const tab of [first, second]) {
      await tab.goto(stage.atelier.origin);
      await tab.getByText("Running", { exact: true }).first().waitFor();
    }
    await screenshot("list-running", first);
    await first
      .getByRole("button", { name: /More|Menu|Actions/i })
      .first()
      .click();
    await screenshot("menu", first);
    await first.getByRole("menuitem", { name: "Stop" }).click();
    for (const tab of [first, second])
      await tab.getByText("Stopped", { exact: true }).first().waitFor({ timeout: 40_000 });
    await screenshot("list-stopped", second);

    await second
      .getByRole("button", { name: "Start" })
      .or(second.getByRole("link", { name: "Start" }))
      .first()
      .click();
    await second.waitForURL(/\.ws\.localhost:/, { timeout: 60_000 });
    page = second;
    await seeInExplorer("from-terminal.txt");
    await screenshot("ide-again");
    expect(readFileSync(findInVolumes(stage.atelier.home, "shop/README.md")[0] as string, "utf8")).toContain(
      "Edited in the browser.",
    );
    await first.close();
  });

  it("keeps a second person out", async () => {
    const eve = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const tab = await eve.newPage();
    await tab.goto(`${stage.atelier.origin}/login/local?login_hint=eve`);
    await tab.getByRole("textbox").waitFor();
    await tab.goto(workspaceUrl);
    await screenshot("second-person", tab);
    expect(new URL(tab.url()).origin).toBe(stage.atelier.origin);
    expect(await tab.locator(".monaco-workbench").count()).toBe(0);
    await eve.close();
  });

  it("fits 360 px", async () => {
    const narrow = await ada.newPage();
    await narrow.setViewportSize({ width: 360, height: 740 });
    await narrow.goto(stage.atelier.origin);
    await narrow.getByText("Running", { exact: true }).first().waitFor();
    await screenshot("list-360", narrow);
    expect(await narrow.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await narrow.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await narrow.reload();
    await narrow.getByText("Running", { exact: true }).first().waitFor();
    await screenshot("list-360-dark", narrow);
    await narrow.close();
  });
});
