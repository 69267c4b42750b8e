/** What the edge function knows: a CloudFront key-value store. */
import {
  CloudFrontKeyValueStoreClient,
  ConflictException,
  DescribeKeyValueStoreCommand,
  ListKeysCommand,
  UpdateKeysCommand,
} from "@aws-sdk/client-cloudfront-keyvaluestore";
// The service is signed with SigV4A, which the SDK finds only when somebody imports it.
import "@aws-sdk/signature-v4a";

const client = new CloudFrontKeyValueStoreClient({});

/** A write names the store's version; another writer in between makes it start again. */
const ATTEMPTS = 5;

export interface EdgeChange {
  readonly puts: Readonly<Record<string, string>>;
  /** Of the keys that are there, those that are to go. */
  isStale?(key: string): boolean;
}

/** @param decide asked once the store's version is known, so that nothing that it looked at can be older than what it writes over */
export async function updateEdgeStore(storeArn: string, decide: () => Promise<EdgeChange>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN: storeArn }));
    const { puts, isStale } = await decide();
    const deletes = isStale ? (await listKeys(storeArn)).filter((key) => isStale(key)) : [];
    try {
      await client.send(
        new UpdateKeysCommand({
          KvsARN: storeArn,
          IfMatch: ETag,
          Puts: Object.entries(puts).map(([Key, Value]) => ({ Key, Value })),
          Deletes: deletes.map((Key) => ({ Key })),
        }),
      );
      return;
    } catch (error) {
      if (!(error instanceof ConflictException) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function listKeys(storeArn: string): Promise<string[]> {
  const keys: string[] = [];
  let next: string | undefined;
  do {
    const page = await client.send(new ListKeysCommand({ KvsARN: storeArn, NextToken: next }));
    for (const { Key } of page.Items ?? []) if (Key !== undefined) keys.push(Key);
    next = page.NextToken;
  } while (next !== undefined);
  return keys;
}
