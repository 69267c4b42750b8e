import { type FSWatcher, watch } from "node:fs";
import { appendFile, type FileHandle, mkdir, open, readdir, rm, stat, truncate } from "node:fs/promises";
import path from "node:path";
import type { Clock, Timer } from "../../../service.ts";

/** Most that a task's output file holds; beyond, its older part is dropped. */
const MAX_BYTES = 4 * 1024 * 1024;
const KEPT_BYTES = 256 * 1024;
/** Between two looks at a file that is being written. */
const LOOK_MS = 1_000;
/** Files of ended tasks that stay, newest first. */
const MAX_FILES = 100;

/**
 * What tasks write, a file each. Tasks write to their file themselves: through a pipe they would die with the program that reads it.
 */
export class TaskOutput {
  readonly #folder: string;
  readonly #clock: Clock;
  #watcher: FSWatcher | undefined;
  readonly #looks = new Map<string, Timer>();

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    this.#watcher ??= watch(this.#folder, { persistent: false }, (_event, name) => {
      if (name !== null) this.#lookLater(name);
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    for (const timer of this.#looks.values()) timer.cancel();
    this.#looks.clear();
  }

  /** For the task's standard output and error. Appending, so that a shortened file goes on at its new end. */
  openFor(taskId: string): Promise<FileHandle> {
    return open(this.#file(taskId), "a", 0o600);
  }

  /** The last lines, at most 500 characters, without colours; `undefined` when it wrote nothing. */
  async tail(taskId: string): Promise<string | undefined> {
    const text = await readEnd(this.#file(taskId), 2_048).catch(() => Buffer.alloc(0));
    const lines = text
      .toString("utf8")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal control sequences are what is removed
      .replace(/\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0009\u000b-\u001f\u007f]/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const last = lines.slice(-8).join(" | ").slice(-500);
    return last === "" ? undefined : last;
  }

  #file(taskId: string): string {
    return path.join(this.#folder, `${taskId}.log`);
  }

  #lookLater(name: string): void {
    if (this.#looks.has(name)) return;
    const look = () => {
      this.#looks.delete(name);
      // A file that is gone, or cannot be shortened on a full disk, is looked at again when it changes.
      shorten(path.join(this.#folder, name)).catch(() => {});
    };
    this.#looks.set(name, this.#clock.setTimeout(look, LOOK_MS));
  }

  async #removeOld(): Promise<void> {
    const files = (await readdir(this.#folder)).map((name) => path.join(this.#folder, name));
    const dated = await Promise.all(files.map(async (file) => ({ file, at: (await stat(file)).mtimeMs })));
    const old = dated.sort((a, b) => b.at - a.at).slice(MAX_FILES);
    await Promise.all(old.map(({ file }) => rm(file, { force: true })));
  }
}

async function shorten(file: string): Promise<void> {
  if ((await stat(file)).size <= MAX_BYTES) return;
  const end = await readEnd(file, KEPT_BYTES);
  await truncate(file, 0);
  await appendFile(file, Buffer.concat([Buffer.from("[older output was dropped]\n"), end]));
}

async function readEnd(file: string, bytes: number): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
