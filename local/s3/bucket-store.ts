/** Objects of one bucket: the bytes in a file named by the key's hash, what is said of them beside it. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { isInMemory } from "#local/memory-disk.ts";
import { openRecords, type RecordStore } from "#local/record-store.ts";

export interface StoredObject {
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** `content-type`, `cache-control`, `content-encoding`, `content-disposition`, `content-language`, `expires` and `x-amz-meta-*` as they were put. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Bucket {
  readonly name: string;
  head(key: string): StoredObject | undefined;
  /** @param range first and last byte, both included */
  read(key: string, range?: { start: number; end: number }): Readable;
  put(key: string, bytes: Buffer, headers: Record<string, string>, now: number): Promise<StoredObject>;
  delete(key: string): Promise<void>;
  /** In UTF-8 order, as S3 lists. */
  keys(): string[];
}

/** @param given folder; `undefined` keeps everything in memory */
export async function openBucket(given: string | undefined, name: string): Promise<Bucket> {
  // Objects in memory are made anew by whoever deploys them.
  const directory = isInMemory(given) ? undefined : given;
  const folder = directory === undefined ? undefined : join(directory, name);
  const records: RecordStore<StoredObject> = await openRecords(folder && join(folder, "objects"));
  const memory = new Map<string, Buffer>();
  const contents = folder && join(folder, "contents");
  if (contents) await mkdir(contents, { recursive: true, mode: 0o700 });
  const fileOf = (key: string) => join(contents as string, createHash("sha256").update(key).digest("hex"));
  let puts = 0;

  return {
    name,
    head: (key) => records.get(key),
    read(key, range) {
      if (contents) return createReadStream(fileOf(key), range ?? {});
      const bytes = memory.get(key) ?? Buffer.alloc(0);
      return Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]);
    },
    async put(key, bytes, headers, now) {
      const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
      const object = { size: bytes.length, etag, modifiedAt: now, headers };
      if (contents) {
        // Renamed into place, so that a reader sees the old bytes or the new ones.
        const temporary = `${fileOf(key)}.${puts++}.tmp`;
        await writeFile(temporary, bytes, { mode: 0o600 });
        await rename(temporary, fileOf(key));
      } else {
        memory.set(key, bytes);
      }
      await records.put(key, object);
      return object;
    },
    async delete(key) {
      await records.delete(key);
      memory.delete(key);
      if (contents) await rm(fileOf(key), { force: true });
    },
    keys: () => [...records.values.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  };
}
