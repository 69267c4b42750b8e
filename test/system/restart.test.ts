import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Person } from "../person.ts";
import { startAtelier } from "../start-atelier.ts";
import { useAtelier } from "../use-atelier.ts";
import { findInVolumes } from "./find-in-volumes.ts";

const stage = useAtelier();

describe("Ctrl-C, and npm start again", () => {
  it("keeps files and shows every workspace as what it is", async () => {
    let ada = await Person.signIn(stage.atelier.origin, "ada");
    const { id } = await ada.create(`${stage.git.url}/acme/shop.git`);
    await ada.until(id, "running");
    const readme = findInVolumes(stage.atelier.home, "shop/README.md").at(-1) as string;
    writeFileSync(readme, "# Edited\n");

    await stage.atelier.stop();
    const { home, port } = stage.atelier;
    stage.atelier = await startAtelier({ home, port });
    ada = await Person.signIn(stage.atelier.origin, "ada");
    const stopped = await ada.until(id, "stopped", 10_000);
    expect(stopped.instance?.conditions.interrupted).toBeTruthy();

    await ada.call("workspace.start", { id });
    await ada.until(id, "running");
    expect(readFileSync(readme, "utf8")).toBe("# Edited\n");
    await ada.call("workspace.delete", { id });
  });
});
