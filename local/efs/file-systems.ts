import type { ServiceContext } from "../service.ts";
import { openState, type StateFile } from "../state.ts";
import { efsError } from "./access-point.ts";

export interface FileSystem {
  readonly FileSystemId: string;
  readonly FileSystemArn: string;
  readonly CreationToken: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** The file systems that templates made; their ids stay, since folders are named by them. */
export class FileSystems {
  readonly #context: ServiceContext;
  /** By logical id. */
  readonly #state: StateFile<Record<string, FileSystem>>;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#state = openState<Record<string, FileSystem>>(context.stateDirectory, "file-systems", {});
  }

  /** Finds the file system of a template's resource, or makes it. */
  forResource(logicalId: string): FileSystem {
    const known = this.#state.value[logicalId];
    if (known !== undefined) return known;
    const { random, region, accountId, clock } = this.#context;
    const id = `fs-${random.bytes(9).toString("hex").slice(0, 17)}`;
    const made: FileSystem = {
      FileSystemId: id,
      FileSystemArn: `arn:aws:elasticfilesystem:${region}:${accountId}:file-system/${id}`,
      CreationToken: logicalId,
      createdAt: clock.now(),
    };
    this.#state.value[logicalId] = made;
    this.#state.save();
    return made;
  }

  /** @param reference id or ARN. @throws ApiError FileSystemNotFound */
  get(reference: string): FileSystem {
    const id = reference.slice(reference.lastIndexOf("/") + 1);
    const known = this.all().find(({ FileSystemId }) => FileSystemId === id);
    if (known === undefined) throw efsError("FileSystemNotFound", `File system '${reference}' does not exist.`, 404);
    return known;
  }

  /** Ordered by id, so that pages do not shift. */
  all(): readonly FileSystem[] {
    return Object.values(this.#state.value).sort((a, b) => (a.FileSystemId < b.FileSystemId ? -1 : 1));
  }
}
