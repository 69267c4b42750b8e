import { chmod, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isInMemory } from "#local/memory-disk.ts";
import { type AccessPoint, checkPath } from "./access-point.ts";

/**
 * Where file systems are on this machine: `<folder>/<file system id>/<directory>`. A directory is made at its first mount, as EFS
 * does. Owner and identity (`OwnerUid`, `PosixUser`) cannot be applied without root: here everything belongs to whoever runs this.
 */
export class EfsFolders {
  readonly #folder: string | undefined;
  #temporary: Promise<string> | undefined;

  /** @param folder undefined for a cloud in memory, which gets a temporary one at the first mount */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** @throws Error when the directory does not exist and the access point does not say how to make it */
  async mount({ FileSystemId, RootDirectory }: AccessPoint): Promise<string> {
    const folder = await this.#place(FileSystemId, RootDirectory.Path);
    // Whoever runs tasks on such a disk keeps their files, too.
    if (isInMemory(this.#folder) || (await exists(folder))) return folder;
    const creation = RootDirectory.CreationInfo;
    if (creation === undefined && RootDirectory.Path !== "/") {
      throw new Error(
        `mount.nfs4: mounting ${RootDirectory.Path} failed: the directory does not exist on ${FileSystemId}`,
      );
    }
    await mkdir(folder, { recursive: true, mode: 0o755 });
    // Apart from mkdir, whose mode is cut by the umask.
    if (creation !== undefined) await chmod(folder, Number.parseInt(creation.Permissions, 8));
    return folder;
  }

  /** A directory of a file system that is mounted without an access point; `/` is always there. */
  async mountDirectory(fileSystemId: string, directory: string): Promise<string> {
    const folder = await this.#place(fileSystemId, checkPath(directory));
    if (directory === "/") await mkdir(folder, { recursive: true, mode: 0o755 });
    if (!(await exists(folder))) {
      throw new Error(`mount.nfs4: mounting ${directory} failed: the directory does not exist on ${fileSystemId}`);
    }
    return folder;
  }

  async close(): Promise<void> {
    const temporary = await this.#temporary;
    this.#temporary = undefined;
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }

  async #place(fileSystemId: string, directory: string): Promise<string> {
    if (this.#folder === undefined) this.#temporary ??= mkdtemp(path.join(tmpdir(), "atelier-efs-"));
    const base = this.#folder ?? ((await this.#temporary) as string);
    return path.join(base, fileSystemId, directory.replace(/^\/+|\/+$/g, ""));
  }
}

async function exists(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
