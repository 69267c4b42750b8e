/** What the edge function knows: a CloudFront key-value store. */
import {
  CloudFrontKeyValueStoreClient,
  ConflictException,
  DescribeKeyValueStoreCommand,
  UpdateKeysCommand,
} from "@aws-sdk/client-cloudfront-keyvaluestore";
// The service is signed with SigV4A, which the SDK finds only when somebody imports it.
import "@aws-sdk/signature-v4a";

const client = new CloudFrontKeyValueStoreClient({});

/** A write names the store's version; another writer in between makes it start again. */
const ATTEMPTS = 5;

export async function updateEdgeStore(
  storeArn: string,
  puts: Readonly<Record<string, string>>,
  deletes: readonly string[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN: storeArn }));
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
