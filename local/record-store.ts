import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { isInMemory, memoryFolder } from "./memory-disk.ts";

/** Small records by key: in memory, and each in a JSON file of its own when there is a folder. */
export interface RecordStore<T> {
  readonly values: ReadonlyMap<string, T>;
  get(key: string): T | undefined;
  /** Seen by `get` at once; resolves when the file is whole on disk. Later calls for a key win over earlier ones. */
  put(key: string, value: T): Promise<void>;
  delete(key: string): Promise<void>;
  /** Resolves when everything that was put is on disk. */
  settled(): Promise<void>;
}

/** What a file holds: its name is only a hint, since a key can be longer than a file name may be. */
interface Stored<T> {
  key: string;
  value: T;
}

export interface RecordOptions {
  /**
   * Whether a record must outlast a loss of power (3 ms each), and not only the end of the program.
   * Without it, a record that was just written may be gone then.
   */
  readonly isDurable: boolean;
}

/**
 * Opens the records of a folder (made when missing), or empty ones in memory when `folder` is undefined.
 * A file is written whole and renamed into place, so that a killed program leaves the old or the new one.
 * @throws Error that names a file which is not one of ours
 */
export async function openRecords<T>(
  folder: string | undefined,
  { isDurable }: RecordOptions = { isDurable: true },
): Promise<RecordStore<T>> {
  if (isInMemory(folder)) return recordsInMemory(folder);
  const values = new Map<string, T>();
  if (folder !== undefined) await readAll(folder, values);

  const writing = new Map<string, Promise<void>>();
  function write(key: string): Promise<void> {
    if (folder === undefined) return Promise.resolve();
    const file = path.join(folder, fileName(key));
    const next = (writing.get(key) ?? Promise.resolve())
      .catch(() => {})
      .then(async () => {
        const value = values.get(key);
        if (value === undefined) await rm(file, { force: true });
        else await writeWhole(file, JSON.stringify({ key, value } satisfies Stored<T>), isDurable);
      });
    writing.set(key, next);
    const forget = () => {
      if (writing.get(key) === next) writing.delete(key);
    };
    next.then(forget, forget);
    return next;
  }

  return {
    values,
    get: (key) => values.get(key),
    put(key, value) {
      values.set(key, value);
      return write(key);
    },
    delete(key) {
      values.delete(key);
      return write(key);
    },
    async settled() {
      while (writing.size > 0) await Promise.allSettled(writing.values());
    },
  };
}

function recordsInMemory<T>(directory: string): RecordStore<T> {
  const folder = memoryFolder(directory);
  const values = new Map<string, T>(
    folder.names().map((key) => [decodeURIComponent(key), JSON.parse(folder.read(key) ?? "") as T]),
  );
  const done = Promise.resolve();
  return {
    values,
    get: (key) => values.get(key),
    put(key, value) {
      values.set(key, value);
      folder.write(encodeURIComponent(key), JSON.stringify(value));
      return done;
    },
    delete(key) {
      values.delete(key);
      folder.remove(encodeURIComponent(key));
      return done;
    },
    settled: () => done,
  };
}

async function readAll<T>(folder: string, values: Map<string, T>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith(".tmp")) await rm(file, { force: true });
    if (!name.endsWith(".json")) continue;
    const text = await readFile(file, "utf8");
    // What a loss of power leaves of a record that was not synced; there is nothing in it to lose.
    if (text === "") continue;
    try {
      const stored = JSON.parse(text) as Stored<T>;
      values.set(stored.key, stored.value);
    } catch (cause) {
      throw new Error(`${file} is not readable state. Delete that file to go on without what it held.`, { cause });
    }
  }
}

async function writeWhole(file: string, text: string, isDurable: boolean): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    // Before the rename: otherwise a machine that loses power can keep the new name with no content.
    if (isDurable) await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** Readable where the key allows it; file names end at 255 bytes and do not take every character. */
function fileName(key: string): string {
  const readable = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}$/.test(key);
  return `${readable ? key : createHash("sha256").update(key).digest("hex")}.json`;
}
