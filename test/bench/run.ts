/**
 * `npm run bench`: from the create call to the IDE, against the floor (the same clone and the same IDE by hand), side by side
 * in one run; and how long a fact takes from the supervisor to the dashboard's socket.
 *
 *     npm run bench -- [--runs 20] [--burst 10]
 */
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { ideDirectory } from "../../workspace-image/ide/install-ide.ts";
import { launchChromium } from "../browser/launch-chromium.ts";
import { Person, type WireWorkspace } from "../person.ts";
import { serveShop } from "../shop-repository.ts";
import { removeHome, startAtelier } from "../start-atelier.ts";
import { type IdeByHand, openByHand } from "./by-hand.ts";
import { measureReports } from "./measure-reports.ts";
import { type Row, table } from "./statistics.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20" }, burst: { type: "string", default: "10" } },
});
const runs = Number(values.runs);
const burst = Number(values.burst);

const ide = ideDirectory();
const git = await serveShop();
const cloneUrl = `${git.url}/acme/shop.git`;
const atelier = await startAtelier();
const browser = await launchChromium();
const ada = await Person.signIn(atelier.origin, "ada");
const dashboard = await ada.openSocket();
const session = {
  name: "atelier_session",
  value: ada.jar.get("localhost", "atelier_session") as string,
  url: atelier.origin,
};

/** From the create call until the IDE's page answers through the edge. */
async function openByAtelier(): Promise<{ id: string; answeredAfterMs: number; phases: Record<string, number> }> {
  const began = performance.now();
  const { workspace } = await dashboard.call<{ workspace: WireWorkspace }>("workspace.create", {
    contextUrl: cloneUrl,
  });
  const { id } = workspace;
  const running = await dashboard.until(id, ["running", "stopped"], workspace, 120_000);
  if (running.instance?.phase !== "running") throw new Error(`did not run: ${JSON.stringify(running.instance)}`);
  const page = await ada.enter(id);
  if (page.status !== 200) throw new Error(`${page.url} answered ${page.status}`);
  const answeredAfterMs = performance.now() - began;
  const phases = Object.fromEntries(
    running.instance.stages.map(({ name, startedAt, endedAt }) => [
      name,
      startedAt && endedAt ? Date.parse(endedAt) - Date.parse(startedAt) : 0,
    ]),
  );
  return { id, answeredAfterMs, phases };
}

/** Ends when nothing of it runs any more, so that it takes nothing from what is measured next. */
async function end(id: string): Promise<void> {
  await ada.call("workspace.stop", { id });
  await ada.until(id, "stopped", 60_000);
  await ada.call("workspace.delete", { id });
}

/** From now until the explorer shows the repository. */
async function seeExplorer(url: string): Promise<number> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 800 } });
  await context.addCookies([session]);
  const page = await context.newPage();
  const began = performance.now();
  await page.goto(url);
  await page
    .locator(".explorer-folders-view .monaco-list-row", { hasText: "README.md" })
    .first()
    .waitFor({ timeout: 60_000 });
  const took = performance.now() - began;
  await context.close();
  return took;
}

async function compareWithFloor(): Promise<void> {
  const stages: Record<string, number[]> = {};
  const answered = { hand: [] as number[], atelier: [] as number[] };
  const seen = { hand: [] as number[], atelier: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    const hand = await openByHand(ide, process.execPath, cloneUrl);
    answered.hand.push(hand.answeredAfterMs);
    seen.hand.push(hand.answeredAfterMs + (await seeExplorer(hand.url)));
    await hand.end();
    const ours = await openByAtelier();
    answered.atelier.push(ours.answeredAfterMs);
    for (const [name, ms] of Object.entries(ours.phases)) stages[name] = [...(stages[name] ?? []), ms];
    const { url } = await ada.call<{ url: string }>("workspace.enter", { id: ours.id });
    seen.atelier.push(ours.answeredAfterMs + (await seeExplorer(url)));
    await end(ours.id);
    process.stdout.write(`\r${run + 1} of ${runs}`);
  }

  const many = { hand: [] as number[], atelier: [] as number[] };
  const byHand: IdeByHand[] = await Promise.all(
    Array.from({ length: burst }, () => openByHand(ide, process.execPath, cloneUrl)),
  );
  many.hand.push(...byHand.map(({ answeredAfterMs }) => answeredAfterMs));
  await Promise.all(byHand.map((one) => one.end()));
  const ours = await Promise.all(Array.from({ length: burst }, openByAtelier));
  many.atelier.push(...ours.map(({ answeredAfterMs }) => answeredAfterMs));
  await Promise.all(ours.map(({ id }) => end(id)));
  const stagesOfMany = Object.keys(ours[0]?.phases ?? {}).map((what) => ({
    what,
    sample: ours.map(({ phases }) => phases[what] ?? 0),
  }));

  function compare(title: string, { hand, atelier: own }: { hand: number[]; atelier: number[] }): void {
    const floor: Row = { what: "by hand (floor)", sample: hand };
    console.log(`\n${title}\n${table([floor, { what: "Atelier", sample: own }], floor)}`);
  }

  console.log("");
  compare(`Create call → the IDE's page answers, ${runs} one after another`, answered);
  compare(`Create call → the explorer shows the repository in Chromium, ${runs} one after another`, seen);
  compare(`Create call → the IDE's page answers, ${burst} at once`, many);
  console.log("\nWhere Atelier's time goes, one after another");
  console.log(table(Object.entries(stages).map(([what, sample]) => ({ what, sample }))));
  console.log(`\nWhere Atelier's time goes, ${burst} at once`);
  console.log(table(stagesOfMany));
}

try {
  await compareWithFloor();
} finally {
  await browser.close();
  await atelier.stop();
  await git.stop();
  await removeHome(atelier.home);
}

console.log("\nA supervisor's report → the dashboard's socket");
console.log(table([{ what: "report → socket", sample: await measureReports(200) }]));
