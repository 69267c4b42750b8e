import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isInMemory, memoryFolder } from "./memory-disk.ts";

/**
 * A small value that survives the program: one JSON file, replaced whole, readable by its owner only. In memory without
 * a directory.
 */
export interface StateFile<T> {
  /** The value; change it in place, then `save`. */
  value: T;
  save(): void;
}

/** @throws Error that names the file when it is not readable JSON: state is never thrown away silently */
export function openState<T>(directory: string | undefined, name: string, initial: T): StateFile<T> {
  if (directory === undefined) return { value: initial, save: () => undefined };
  if (isInMemory(directory)) {
    const folder = memoryFolder(directory);
    const text = folder.read(name);
    const kept: StateFile<T> = {
      value: text === undefined ? initial : (JSON.parse(text) as T),
      save: () => folder.write(name, JSON.stringify(kept.value)),
    };
    return kept;
  }
  const file = join(directory, `${name}.json`);
  const state: StateFile<T> = {
    value: readState(file) ?? initial,
    save() {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const next = `${file}.next`;
      rmSync(next, { force: true });
      writeFileSync(next, JSON.stringify(state.value), { mode: 0o600 });
      renameSync(next, file);
    },
  };
  return state;
}

function readState<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Error(`${file} is damaged: it is no JSON. Put it aside to start without what it held.`, { cause });
  }
}
