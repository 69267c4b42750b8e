import { digestOf } from "#protocol/digest.ts";
import { AtelierError } from "#protocol/errors.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import type { RpcClient } from "../rpc/rpc-client.ts";
import { GONE_FOR_GOOD, type WorkspaceStore } from "./workspace-store.ts";

type Page = ResultOf<"workspace.list">;

/**
 * Keeps the store equal to the server: pushes as they come, and at every sign of life a comparison of digests, since a push
 * may be lost.
 * @returns `refresh`, which fetches the whole list
 */
export function keepInStep(client: RpcClient, store: WorkspaceStore): { refresh(): Promise<void> } {
  client.on("workspace.changed", ({ workspace }) => store.put(workspace));
  client.on("workspace.deleted", ({ id, revision }) => store.apply({ type: "deleted", id, revision }));

  let reading: Promise<void> | undefined;
  function read(first?: Page, before = idsOf(store)): Promise<void> {
    reading = readPages(client, store, first, before)
      .catch((error: unknown) => {
        if (!store.loaded.peek() && error instanceof AtelierError) store.problem.value = error;
        throw error;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  async function compare(): Promise<void> {
    const before = idsOf(store);
    const page = await client.call("workspace.list", { digest: digestOf(store.list.peek()) });
    if (page.unchanged) store.markLoaded();
    // A list that is half read differs for that reason alone.
    else if (reading) reading.then(compare).catch(() => {});
    else read(page, before).catch(() => {});
  }

  client.keepAlive = compare;
  return { refresh: () => reading ?? read() };
}

async function readPages(
  client: RpcClient,
  store: WorkspaceStore,
  first: Page | undefined,
  before: ReadonlySet<string>,
): Promise<void> {
  const missing = new Set(before);
  let page = first ?? (await client.call("workspace.list", {}));
  for (;;) {
    for (const workspace of page.workspaces) {
      store.put(workspace);
      missing.delete(workspace.id);
    }
    if (page.cursor === undefined) break;
    page = await client.call("workspace.list", { cursor: page.cursor });
  }
  store.markLoaded();
  // An index lags behind its table, so absence from the list is a reason to ask, not a proof.
  for (const id of missing) await askFor(client, store, id);
}

async function askFor(client: RpcClient, store: WorkspaceStore, id: string): Promise<void> {
  if (store.isDeleted(id)) return;
  try {
    store.put((await client.call("workspace.get", { id })).workspace);
  } catch (error) {
    if (!(error instanceof AtelierError && error.kind === "NOT_FOUND")) throw error;
    store.apply({ type: "deleted", id, revision: GONE_FOR_GOOD });
  }
}

function idsOf(store: WorkspaceStore): Set<string> {
  return new Set(store.list.peek().map((workspace) => workspace.id));
}
