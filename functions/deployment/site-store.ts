/** The dashboard's bucket and the distribution before it. */
import { CloudFrontClient, CreateInvalidationCommand } from "@aws-sdk/client-cloudfront";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

const s3 = new S3Client({});
const cloudFront = new CloudFrontClient({});

export interface SiteObject {
  key: string;
  body: Uint8Array;
  contentType: string;
  cacheControl: string;
}

export async function putObject(bucket: string, { key, body, contentType, cacheControl }: SiteObject): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentType: contentType,
      CacheControl: cacheControl,
    }),
  );
}

export async function listObjects(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let next: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: next }));
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    next = page.NextContinuationToken;
  } while (next !== undefined);
  return keys;
}

export async function deleteObject(bucket: string, key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}

/** @param reference the same reference invalidates once, however often it is asked */
export async function invalidateAll(distributionId: string, reference: string): Promise<void> {
  await cloudFront.send(
    new CreateInvalidationCommand({
      DistributionId: distributionId,
      InvalidationBatch: { CallerReference: reference, Paths: { Quantity: 1, Items: ["/*"] } },
    }),
  );
}
