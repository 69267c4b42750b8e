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
import { readRootKey, writeRootKey } from "./root-key-store.ts";

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

async function makeKeys(
  properties: ReturnType<typeof readProperties<(typeof PROPERTIES)[number]>>,
): Promise<CustomResourceResult> {
  const before = await readRootKey(properties.RootKeyParameter);
  const root = rotate(before, properties.Generation);
  const generations = [root.current, ...(root.previous ? [root.previous] : [])];
  const dropped =
    before?.previous && !generations.some(({ id }) => id === before.previous?.id) ? [before.previous.id] : [];
  // The edge first: a key that it knows and nobody uses does no harm, one that is used and unknown to it locks people out.
  await updateEdgeStore(
    properties.KeyValueStoreArn,
    {
      ...Object.fromEntries(
        generations.map((secret) => [edgeKeyName(secret.id), deriveFrom(secret, "atelier/edge").toString("base64url")]),
      ),
      site: JSON.stringify({
        dashboard: properties.DashboardOrigin,
        hostSuffix: properties.WorkspaceHostSuffix,
        secure: properties.DashboardOrigin.startsWith("https:"),
      }),
    },
    dropped.map(edgeKeyName),
  );
  if (root !== before) {
    await writeRootKey(properties.RootKeyParameter, root);
    log.info("Made a root key.", { generation: root.current.id });
  }
  return { data: { Generation: root.current.id } };
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
