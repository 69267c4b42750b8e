import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually, navigate, Person, type RpcError, send } from "../person.ts";
import { useAtelier } from "../use-atelier.ts";

const stage = useAtelier();

describe("the whole way", () => {
  it("leads from a Git URL to the IDE's page, and keeps files over stop and start", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const created = await ada.create(`${stage.git.url}/acme/shop.git`);
    expect(created.instance?.phase).toBe("preparing");
    const running = await ada.until(created.id, "running");
    expect(running.instance?.stages.map(({ state }) => state)).toEqual(Array(6).fill("done"));

    const page = await ada.enter(created.id);
    expect(page.url).toBe(`http://${created.id}.ws.localhost:${stage.atelier.port}/`);
    expect(page.status).toBe(200);
    expect(page.body).toContain("workbench");

    await ada.call("workspace.stop", { id: created.id });
    const stopped = await ada.until(created.id, "stopped", 40_000);
    expect(stopped.instance?.conditions).toEqual({ stoppedByRequest: true });

    await ada.call("workspace.start", { id: created.id });
    const again = await ada.until(created.id, ["running", "stopped"]);
    expect(again.instance?.phase).toBe("running");
    expect(again.instance?.id).toBe(`${created.id}-r2`);
    expect(again.instance?.stages.find(({ name }) => name === "clone")?.state).toBe("skipped");
    await ada.call("workspace.delete", { id: created.id });
  });

  it("opens an empty repository empty", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const created = await ada.create(`${stage.git.url}/acme/empty.git`);
    const running = await ada.until(created.id, ["running", "stopped"]);
    expect(running.instance?.conditions).toEqual({});
    expect(running.instance?.phase).toBe("running");
    await ada.call("workspace.delete", { id: created.id });
  });

  it("shows another person nothing of a workspace", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const eve = await Person.signIn(stage.atelier.origin, "eve");
    const { id, url } = await ada.create(`${stage.git.url}/acme/shop.git`);
    await ada.until(id, "running");
    for (const method of [
      "workspace.get",
      "workspace.stop",
      "workspace.start",
      "workspace.delete",
      "workspace.enter",
    ]) {
      await expect(eve.call(method, { id }), method).rejects.toMatchObject({
        kind: "NOT_FOUND",
      } satisfies Partial<RpcError>);
    }
    const answer = await navigate(eve.jar, url);
    expect([403, 404]).toContain(answer.status);
    expect(new URL(answer.url).host).toBe(`localhost:${stage.atelier.port}`);
    expect((await send(url)).status).toBe(401);

    // Her own workspace's cookie is no key to his.
    const hers = await eve.create(`${stage.git.url}/acme/shop.git`);
    await eve.until(hers.id, "running");
    const herPage = await eve.enter(hers.id);
    const token = eve.jar.get(new URL(herPage.url).hostname, "atelier_route");
    expect(token).toBeDefined();
    expect((await send(url, { headers: { cookie: `atelier_route=${token}` } })).status).toBe(401);
    await eve.call("workspace.delete", { id: hers.id });
    await ada.call("workspace.delete", { id });
  });

  it("lets a ticket work once", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const { id } = await ada.create(`${stage.git.url}/acme/shop.git`);
    await ada.until(id, "running");
    const { url } = await ada.call<{ url: string }>("workspace.enter", { id });
    expect((await send(url)).status).toBe(303);
    const second = await send(url);
    expect(second.headers["set-cookie"]).toBeUndefined();
    expect(second.status).toBeGreaterThanOrEqual(400);
    await ada.call("workspace.delete", { id });
  });

  it("leads a browser with the proof of an earlier run to the present one", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const { id, url } = await ada.create(`${stage.git.url}/acme/shop.git`);
    await ada.until(id, "running");
    await ada.enter(id);
    await ada.call("workspace.stop", { id });
    await ada.until(id, "stopped", 40_000);

    const stale = await navigate(ada.jar, url);
    expect([502, 504]).toContain(stale.status);
    expect(stale.url).toBe(url);
    expect(stale.body).toContain("atelier-enter");
    // What the page's script does.
    const sent = await navigate(ada.jar, `${url}?atelier-enter=1`);
    expect(sent.url).toBe(`${stage.atelier.origin}/#/start/${id}`);

    await ada.call("workspace.start", { id });
    await ada.until(id, "running");
    const entered = await navigate(ada.jar, `${url}?atelier-enter=1`);
    expect({ url: entered.url, status: entered.status }).toEqual({ url, status: 200 });
    await ada.call("workspace.delete", { id });
  });

  it("refuses what comes from a sibling's origin", async () => {
    const ada = await Person.signIn(stage.atelier.origin, "ada");
    const { id, url } = await ada.create(`${stage.git.url}/acme/shop.git`);
    await ada.until(id, "running");
    await ada.enter(id);
    const sibling = `http://blue-otter-aaaaaaaa.ws.localhost:${stage.atelier.port}`;
    const post = await send(url, { method: "POST", headers: { ...ada.jar.header(url), origin: sibling }, body: "" });
    expect(post.status).toBe(403);
    const own = await send(url, { headers: { ...ada.jar.header(url) } });
    expect(own.status).toBe(200);
    await ada.call("workspace.delete", { id });
  });

  it("leaves no folder and no task when a workspace is deleted while it starts", async () => {
    const zoe = await Person.signIn(stage.atelier.origin, "zoe");
    const volumes = () => {
      const root = join(stage.atelier.home, "efs");
      return existsSync(root)
        ? readdirSync(root, { recursive: true }).filter((name) => /workspaces\/[a-z0-9]+$/.test(String(name))).length
        : 0;
    };
    const before = volumes();
    const { id } = await zoe.create(`${stage.git.url}/acme/shop.git`);
    await zoe.call("workspace.delete", { id });
    await expect(zoe.get(id)).rejects.toMatchObject({ kind: "NOT_FOUND" });
    expect((await zoe.call<{ workspaces: unknown[] }>("workspace.list")).workspaces).toEqual([]);
    await eventually("the volume is gone", () => volumes() <= before, 40_000);
  });
});
