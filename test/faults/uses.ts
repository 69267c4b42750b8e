/** When people last used their workspaces, as those notice it. */
export class Uses {
  readonly #leftAt = new Map<string, number>();

  /** Nobody uses it from now on. */
  leave(workspaceId: string, now: number): void {
    if (!this.#leftAt.has(workspaceId)) this.#leftAt.set(workspaceId, now);
  }

  /** Somebody is there, and stays. */
  comeBack(workspaceId: string): void {
    this.#leftAt.delete(workspaceId);
  }

  lastAt(workspaceId: string, now: number): number {
    return this.#leftAt.get(workspaceId) ?? now;
  }
}
