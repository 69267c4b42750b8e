import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GitServer } from "../git-server.ts";
import { Person } from "../person.ts";
import { serveShop } from "../shop-repository.ts";
import { type RunningAtelier, removeHome, startAtelier } from "../start-atelier.ts";
import { findInVolumes } from "./find-in-volumes.ts";

let atelier: RunningAtelier;
let git: GitServer;

beforeAll(async () => {
  git = await serveShop();
  atelier = await startAtelier();
});

afterAll(async () => {
  await atelier?.stop();
  await git?.stop();
  if (atelier) await removeHome(atelier.home);
});

describe("Ctrl-C, and npm start again", () => {
  it("keeps files and shows every workspace as what it is", async () => {
    let ada = await Person.signIn(atelier.origin, "ada");
    const { id } = await ada.create(`${git.url}/acme/shop.git`);
    await ada.until(id, "running");
    const readme = findInVolumes(atelier.home, "shop/README.md").at(-1) as string;
    writeFileSync(readme, "# Edited\n");

    await atelier.stop();
    const { home, port } = atelier;
    atelier = await startAtelier({ home, port });
    ada = await Person.signIn(atelier.origin, "ada");
    const stopped = await ada.until(id, "stopped", 10_000);
    expect(stopped.instance?.conditions.interrupted).toBeTruthy();

    await ada.call("workspace.start", { id });
    await ada.until(id, "running");
    expect(readFileSync(readme, "utf8")).toBe("# Edited\n");
    await ada.call("workspace.delete", { id });
  });
});
