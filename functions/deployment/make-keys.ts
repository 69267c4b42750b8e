/**
 * Custom::Keys: makes the root key, and gives the edge its own and what it must know of the site.
 *
 * Properties: `RootKeyParameter KeyValueStoreArn DashboardOrigin WorkspaceHostSuffix Generation`. A `Generation` that is not the
 * current one makes a new root key; the one before stays good until the next. Deleting the resource keeps the root key:
 * what it sealed would be lost with it.
 */
import type { CustomResourceResult } from "#functions/runtime/custom-resource.ts";
import { deriveFrom, type RootKey } from "#functions/runtime/derive-keys.ts";
import { log } from "#functions/runtime/log.ts";
import { onCustomResource } from "#functions/runtime/middleware.ts";
import { randomText } from "#functions/runtime/random.ts";
import { updateEdgeStore } from "./edge-store.ts";
import { readProperties } from "./read-properties.ts";
import { insertRootKey, readRootKey, replaceRootKey } from "./root-key-store.ts";

const PROPERTIES = [
  "RootKeyParameter",
  "KeyValueStoreArn",
  "DashboardOrigin",
  "WorkspaceHostSuffix",
  "Generation",
] as const;

export const handler = onCustomResource({ env: [] }, async (event) => {
  const properties = readProperties(event, PROPERTIES);
  if (event.RequestType === "Delete") return {};
  return makeKeys(properties);
});

type Properties = ReturnType<typeof readProperties<(typeof PROPERTIES)[number]>>;

async function makeKeys(properties: Properties): Promise<CustomResourceResult> {
  const { RootKeyParameter, KeyValueStoreArn, Generation } = properties;
  const before = await readRootKey(RootKeyParameter);
  const root = rotate(before, Generation);
  if (root !== before) {
    // The edge first: a key that it knows and nobody uses does no harm, one that is used and unknown to it locks people out.
    await updateEdgeStore(KeyValueStoreArn, async () => ({ puts: entriesOf(root, properties) }));
    if (before) await replaceRootKey(RootKeyParameter, root);
    if (before || (await insertRootKey(RootKeyParameter, root)))
      log.info("Made a root key.", { generation: root.current.id });
  }
  // Of two that do this at the same moment, one wrote the root key last: that one counts, and the edge gets what belongs to it.
  await updateEdgeStore(KeyValueStoreArn, async () => {
    const puts = entriesOf((await readRootKey(RootKeyParameter)) ?? root, properties);
    return { puts, isStale: (key) => key.startsWith(edgeKeyName("")) && !Object.hasOwn(puts, key) };
  });
  return { data: { Generation: root.current.id } };
}

/** What the edge is to know: its keys of both generations, and of the site. */
function entriesOf({ current, previous }: RootKey, properties: Properties): Record<string, string> {
  const generations = [current, ...(previous ? [previous] : [])];
  return {
    ...Object.fromEntries(
      generations.map((secret) => [edgeKeyName(secret.id), deriveFrom(secret, "atelier/edge").toString("base64url")]),
    ),
    site: JSON.stringify({
      dashboard: properties.DashboardOrigin,
      hostSuffix: properties.WorkspaceHostSuffix,
      secure: properties.DashboardOrigin.startsWith("https:"),
    }),
  };
}

/** @returns the same object when its current key is of that generation already */
function rotate(before: RootKey | undefined, generation: string): RootKey {
  if (!/^[A-Za-z0-9]{1,16}$/.test(generation)) throw new Error("Generation must be 1 to 16 letters or digits.");
  if (before?.current.id === generation) return before;
  if (before?.previous?.id === generation) {
    throw new Error(`Generation ${generation} was used before; take one that is new.`);
  }
  const current = { id: generation, secret: randomText(256) };
  return before ? { current, previous: before.current } : { current };
}

function edgeKeyName(id: string): string {
  return `edge-key.${id}`;
}
