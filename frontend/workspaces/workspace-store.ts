/** What this tab knows of workspaces: a join of what was said, so that order and repetition do not matter. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { AtelierError } from "#protocol/errors.ts";
import type { Workspace } from "#protocol/workspace.ts";

/** Newest thing known of an id. Without a workspace it is deleted; the record stays, so that a late push cannot bring it back. */
export interface Entry {
  readonly revision: number;
  readonly workspace?: Workspace;
}
export type WorkspaceTable = ReadonlyMap<string, Entry>;

export type Change =
  | { readonly type: "changed"; readonly workspace: Workspace }
  | { readonly type: "deleted"; readonly id: string; readonly revision: number };

/** Of a workspace that the server no longer knows: ids are never used again, so nothing can come after. */
export const GONE_FOR_GOOD = Number.POSITIVE_INFINITY;

/** Joins a change. @returns the same table when the change says nothing new */
export function reduce(table: WorkspaceTable, change: Change): WorkspaceTable {
  const id = change.type === "changed" ? change.workspace.id : change.id;
  const known = table.get(id);
  if (change.type === "changed") {
    const { revision } = change.workspace;
    if (known && revision <= known.revision) return table;
    return new Map(table).set(id, { revision, workspace: change.workspace });
  }
  if (known && (change.revision < known.revision || (change.revision === known.revision && !known.workspace)))
    return table;
  return new Map(table).set(id, { revision: change.revision });
}

/** Those that exist, most recently used first. */
export function liveWorkspaces(table: WorkspaceTable): Workspace[] {
  return [...table.values()]
    .flatMap((entry) => entry.workspace ?? [])
    .sort((a, b) => compare(b.lastUsedAt, a.lastUsedAt) || compare(b.createdAt, a.createdAt) || compare(a.id, b.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export class WorkspaceStore {
  readonly #table = signal<WorkspaceTable>(new Map());
  readonly #loaded = signal(false);
  /** Why the list is not here yet. */
  readonly problem = signal<AtelierError | undefined>(undefined);
  readonly list: ReadonlySignal<Workspace[]> = computed(() => liveWorkspaces(this.#table.value));

  /** Whether the whole list was here once. */
  get loaded(): ReadonlySignal<boolean> {
    return this.#loaded;
  }

  get(id: string): Workspace | undefined {
    return this.#table.value.get(id)?.workspace;
  }

  isDeleted(id: string): boolean {
    const entry = this.#table.value.get(id);
    return entry !== undefined && !entry.workspace;
  }

  apply(change: Change): void {
    this.#table.value = reduce(this.#table.peek(), change);
  }

  put(workspace: Workspace): void {
    this.apply({ type: "changed", workspace });
  }

  markLoaded(): void {
    this.#loaded.value = true;
    this.problem.value = undefined;
  }
}
