import { access, constants, mkdir, readdir, statfs } from "node:fs/promises";
import path from "node:path";
import { type Mount, TaskStartError } from "../../engine.ts";
import { removeTree } from "./remove-tree.ts";

/** Where volumes are on this machine. */
export interface Volumes {
  /** Folder of an access point (id or ARN), made when this is its first mount. */
  folderOf(accessPoint: string): Promise<string>;
  /** Folder of a directory of a file system that is mounted without an access point. */
  folderOfDirectory(fileSystemId: string, directory: string): Promise<string>;
}

/** Less than this is a full disk: a task that starts there loses what people write. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

/** The folders of tasks: their mounts, and an ephemeral disk each. */
export class TaskFolders {
  readonly #ephemeral: string;
  readonly #volumes: Volumes;

  constructor(ephemeral: string, volumes: Volumes) {
    this.#ephemeral = ephemeral;
    this.#volumes = volumes;
  }

  /** @throws TaskStartError ResourceInitializationError */
  async ephemeral(taskId: string): Promise<string> {
    const folder = path.join(this.#ephemeral, taskId);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw unusable(`the task's ephemeral disk ${folder} cannot be made`, cause);
    }
    await checkUsable(folder);
    return folder;
  }

  /** @throws TaskStartError ResourceInitializationError */
  async mount({ source }: Mount): Promise<string> {
    let folder: string;
    try {
      folder =
        "accessPoint" in source
          ? await this.#volumes.folderOf(source.accessPoint)
          : await this.#volumes.folderOfDirectory(source.fileSystem, source.directory);
    } catch (cause) {
      throw unusable("an EFS volume cannot be mounted", cause);
    }
    await checkUsable(folder);
    return folder;
  }

  discard(taskId: string): Promise<void> {
    return removeTree(path.join(this.#ephemeral, taskId));
  }

  /** Removes the ephemeral disks of all tasks but these. */
  async discardOthers(living: ReadonlySet<string>): Promise<void> {
    const known = await readdir(this.#ephemeral).catch(() => []);
    await Promise.all(known.filter((taskId) => !living.has(taskId)).map((taskId) => this.discard(taskId)));
  }
}

async function checkUsable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free < LEAST_FREE_BYTES) {
      const megabytes = (bytes: number) => Math.floor(bytes / 1024 / 1024);
      throw new Error(
        `the disk is full: ${megabytes(free)} MB are free, ${megabytes(LEAST_FREE_BYTES)} MB are needed. Free some space and start again`,
      );
    }
  } catch (cause) {
    throw unusable(`${folder} cannot be used`, cause);
  }
}

function unusable(what: string, cause: unknown): TaskStartError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === "ENOSPC" ? "the disk is full. Free some space and start again" : message;
  return new TaskStartError("ResourceInitializationError", `${what}: ${why}`, { cause });
}
