/**
 * Custom::Site: puts the dashboard's files, which lie in `site/` beside this bundle, into its bucket.
 *
 * Properties: `BucketName DistributionId SiteHash` (changes with the files, so that CloudFormation calls us). Deleting the
 * resource empties the bucket, so that it can be deleted, too.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import mime from "mime";
import { log } from "#functions/runtime/log.ts";
import { onCustomResource } from "#functions/runtime/middleware.ts";
import { readProperties } from "./read-properties.ts";
import { deleteObject, invalidateAll, listObjects, putObject } from "./site-store.ts";

/** Files in the air at the same time. */
const PARALLEL = 8;
const FIRST_PAGE = "index.html";

export const handler = onCustomResource({ env: [] }, async (event) => {
  const { BucketName, DistributionId } = readProperties(event, ["BucketName", "DistributionId", "SiteHash"]);
  if (event.RequestType === "Delete") {
    await inParallel(await listObjects(BucketName), (key) => deleteObject(BucketName, key));
    return {};
  }
  await publishSite(join(import.meta.dirname, "site"), BucketName);
  await invalidateAll(DistributionId, event.RequestId);
  return {};
});

/** Makes the bucket equal to the folder, so that at every moment the first page finds what it names. */
export async function publishSite(directory: string, bucket: string): Promise<void> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const keys = files
    .filter((file) => file.isFile())
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(directory.length + 1)
        .replaceAll("\\", "/"),
    );
  if (!keys.includes(FIRST_PAGE)) throw new Error("The bundle has no site/index.html. Build the dashboard first.");
  const upload = async (key: string) =>
    putObject(bucket, {
      key,
      body: await readFile(join(directory, key)),
      contentType: contentTypeOf(key),
      cacheControl: cacheControlOf(key),
    });
  await inParallel(
    keys.filter((key) => key !== FIRST_PAGE),
    upload,
  );
  await upload(FIRST_PAGE);
  const stale = (await listObjects(bucket)).filter((key) => !keys.includes(key));
  await inParallel(stale, (key) => deleteObject(bucket, key));
  log.info("Published the site.", { files: keys.length, deleted: stale.length });
}

function contentTypeOf(key: string): string {
  const type = mime.getType(key) ?? "application/octet-stream";
  return /^text\/|javascript|json|xml/.test(type) ? `${type}; charset=utf-8` : type;
}

/** Vite puts a hash of the content into the names of what it bundles: such a file never changes. */
function cacheControlOf(key: string): string {
  return /^assets\/.+-[A-Za-z0-9_-]{8,}\.\w+$/.test(key) ? "public, max-age=31536000, immutable" : "no-cache";
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const workers = Array.from({ length: PARALLEL }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  });
  await Promise.all(workers);
}
