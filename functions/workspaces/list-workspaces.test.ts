import { describe, expect, it } from "vitest";
import { digestOf } from "#protocol/digest.ts";
import { createWorkspace } from "./create-workspace.ts";
import { deleteWorkspace } from "./delete-workspace.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { bytes } from "./present-workspace.ts";
import { cloud, create, owner, pass, simulateLife, url } from "./simulated-life-store.ts";
import { stopWorkspace } from "./stop-workspace.ts";
import { getWorkspace, insertWorkspace } from "./workspace-store.ts";

simulateLife();

describe("workspace.list", () => {
  it("gives all, newest first, in pages that fit a socket's message", async () => {
    const { id } = await create();
    const row = await getWorkspace(id);
    const ids = Array.from({ length: 60 }, (_, n) => `amber-otter-aaaaaa${"abcdefgh"[n >> 3]}${"abcdefgh"[n & 7]}`);
    for (const [n, other] of ids.entries()) {
      if (row) await insertWorkspace({ ...row, id: other, createdAt: row.createdAt + n + 1 });
    }
    const seen: string[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await listWorkspaces(cursor === undefined ? {} : { cursor }, owner);
      expect(bytes(page)).toBeLessThan(29_000);
      seen.push(...page.workspaces.map((one) => one.id));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(seen).toEqual([...ids.reverse(), id]);
    expect(pages).toBeGreaterThan(1);
  });

  it("answers unchanged to the digest of what it gave, until something changes", async () => {
    const { id } = await create();
    await pass(6);
    const { workspaces } = await listWorkspaces({}, owner);
    const digest = digestOf(workspaces);
    expect(await listWorkspaces({ digest }, owner)).toEqual({ workspaces: [], unchanged: true });
    await stopWorkspace({ id }, owner);
    expect((await listWorkspaces({ digest }, owner)).workspaces).toHaveLength(1);
    await deleteWorkspace({ id }, owner);
    expect(await listWorkspaces({ digest }, owner)).toEqual({ workspaces: [] });
  });

  it("refuses a cursor that it did not give", async () => {
    await expect(listWorkspaces({ cursor: "x" }, owner)).rejects.toMatchObject({
      kind: "INVALID_PARAMS",
      path: "cursor",
    });
  });
});

describe("workspace.create", () => {
  it("refuses a class that is not on offer, and names those that are, before anything is made", async () => {
    const refused = createWorkspace({ contextUrl: url(), class: "giant" }, owner);
    await expect(refused).rejects.toMatchObject({ kind: "INVALID_PARAMS", path: "class" });
    await expect(refused).rejects.toThrow("small, standard, large");
    expect(cloud.messages).toEqual([]);
  });

  it("leaves nothing when the repository is not there", async () => {
    await expect(createWorkspace({ contextUrl: `${url()}x` }, owner)).rejects.toMatchObject({
      kind: "REPOSITORY_NOT_FOUND",
    });
    expect((await listWorkspaces({}, owner)).workspaces).toEqual([]);
  });

  it("keeps a credential of the URL sealed, and shows it to nobody", async () => {
    const withCredential = url().replace("http://", "http://ada:s3cret-word@");
    const { workspace } = await createWorkspace({ contextUrl: withCredential }, owner);
    const row = await getWorkspace(workspace.id);
    expect(row?.gitCredential).toBeDefined();
    expect(JSON.stringify([row, workspace])).not.toContain("s3cret-word");
    expect(JSON.stringify(workspace)).not.toContain("gitCredential");
  });
});
