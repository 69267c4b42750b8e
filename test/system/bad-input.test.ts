import { once } from "node:events";
import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { Person, send } from "../person.ts";
import { freePort, startAtelier } from "../start-atelier.ts";
import { useAtelier } from "../use-atelier.ts";

const stage = useAtelier();
let ada: Person;

beforeAll(async () => {
  ada = await Person.signIn(stage.atelier.origin, "ada");
});

describe("bad input", () => {
  it.each([
    ["not a url at all", "CONTEXT_INVALID"],
    ["ftp://example.com/a/b", "CONTEXT_INVALID"],
    ["file:///etc/passwd", "CONTEXT_INVALID"],
  ])("says what is wrong with %s", async (contextUrl, kind) => {
    await expect(ada.create(contextUrl)).rejects.toMatchObject({ kind, message: expect.stringMatching(/\w{3,}.*\./) });
  });

  it("says that no repository is there", async () => {
    await expect(ada.create(`${stage.git.url}/acme/nothing.git`)).rejects.toMatchObject({
      kind: "REPOSITORY_NOT_FOUND",
    });
  });

  it("says that a ref does not exist, by its name", async () => {
    await expect(ada.create(`${stage.git.url}/acme/shop.git/tree/no-such-branch`)).rejects.toMatchObject({
      kind: "REF_NOT_FOUND",
      message: expect.stringContaining("no-such-branch"),
    });
  });

  it("answers within 15 s when the host accepts and then says nothing", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const began = Date.now();
    await expect(ada.create(`http://127.0.0.1:${port}/acme/shop.git`)).rejects.toMatchObject({
      kind: "HOST_UNREACHABLE",
    });
    expect(Date.now() - began).toBeLessThan(15_000);
    silent.close();
  });

  it("names the host that refuses connections", async () => {
    const port = await freePort();
    await expect(ada.create(`http://127.0.0.1:${port}/acme/shop.git`)).rejects.toMatchObject({
      kind: "HOST_UNREACHABLE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it("leaves nothing half-made behind", async () => {
    expect((await ada.call<{ workspaces: unknown[] }>("workspace.list")).workspaces).toEqual([]);
  });

  it("refuses a Host that is not its own", async () => {
    const answer = await send(`${stage.atelier.origin}/version`, { headers: { host: "evil.example" } });
    expect(answer.status).toBe(421);
  });

  it("refuses calls from a foreign origin", async () => {
    const url = `${stage.atelier.origin}/rpc`;
    const answer = await send(url, {
      method: "POST",
      headers: { "content-type": "application/json", origin: "https://evil.example", ...ada.jar.header(url) },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "workspace.list", params: {} }),
    });
    expect(JSON.parse(answer.body).error.data.name).toBe("PERMISSION_DENIED");
  });

  it("rejects an option that it does not know", async () => {
    await expect(ada.call("workspace.list", { colour: "red" })).rejects.toMatchObject({ kind: "INVALID_PARAMS" });
  });

  it("names the holder when its port is taken", async () => {
    await expect(startAtelier({ port: stage.atelier.port })).rejects.toThrow(
      new RegExp(`${stage.atelier.port}[^]*\\b${stage.atelier.process.pid}\\b`),
    );
  });

  it("refuses a second start on the same state", async () => {
    await expect(startAtelier({ home: stage.atelier.home })).rejects.toThrow(
      new RegExp(`\\b${stage.atelier.process.pid}\\b`),
    );
  });
});
