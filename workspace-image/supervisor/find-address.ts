/** On which address the gate listens: the task's own, as the task metadata endpoint gives it. */
import * as v from "valibot";

const Metadata = v.object({ Networks: v.array(v.object({ IPv4Addresses: v.array(v.pipe(v.string(), v.ipv4())) })) });

/**
 * @param metadataUri `ECS_CONTAINER_METADATA_URI_V4`
 * @returns an IPv4 address; `undefined` (every address) where there is no such endpoint
 * @throws Error when there is one and it answers nonsense: listening on every address then would be a hole
 */
export async function findAddress(metadataUri: string | undefined): Promise<string | undefined> {
  if (metadataUri === undefined) return undefined;
  const response = await fetch(metadataUri, { signal: AbortSignal.timeout(5_000) });
  const metadata = v.safeParse(Metadata, await response.json());
  const address = metadata.success ? metadata.output.Networks[0]?.IPv4Addresses[0] : undefined;
  if (address === undefined) throw new Error("The task metadata endpoint gives no IPv4 address.");
  return address;
}
