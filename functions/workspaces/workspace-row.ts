/** The row of a workspace, as rules see it. Its attributes stand in ARCHITECTURE.md. */
import type { Context } from "#protocol/context.ts";
import type { Instance } from "./facts.ts";

export interface Volume {
  /** Name of its directory under `/workspaces`: 32 random letters. A capability; nobody but the driver needs it. */
  directory: string;
  /** Set before AWS is asked to make it: from then on there may be something to remove. */
  askedAt?: number;
  accessPointId?: string;
  taskDefinitionArn?: string;
}

export interface WorkspaceRow {
  readonly id: string;
  readonly ownerId: string;
  readonly contextUrl: string;
  readonly context: Context;
  readonly class: string;
  readonly createdAt: number;
  /** Last start, stop or end of a run; follows from the instance. */
  readonly lastUsedAt: number;
  /** Of `workspace.create`, to leave a mark when the row goes. */
  readonly requestId?: string;
  /** Sealed `{username, password}` that stood in the context URL. */
  readonly gitCredential?: string;
  /** Counts up with every write. */
  readonly revision: number;
  /** Number of the current run. */
  readonly run: number;
  readonly volume: Volume;
  readonly instance?: Instance;
  /** Tasks of earlier runs that still live: nobody wants them. */
  readonly strays?: readonly string[];
  readonly deleted?: { at: number; by: string };
}
