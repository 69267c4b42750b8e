/** Watches a history while it happens: whatever must hold at every moment. */
import { IDLE_MS } from "#functions/workspaces/deadlines.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { PHASES, type Phase } from "#protocol/workspace.ts";
import type { Container } from "./machines.ts";
import type { Item } from "./memory-tables.ts";

/** The invariants, by number. */
export interface Violation {
  readonly invariant: number;
  readonly at: number;
  readonly text: string;
}

/** What is read of a workspace's item. */
export interface Row {
  readonly id: string;
  readonly ownerId: string;
  readonly revision: number;
  readonly phase: Phase | undefined;
  readonly deadlineAt: number | undefined;
  readonly isDeleted: boolean;
  readonly instance:
    | {
        readonly id: string;
        readonly requestedAt: number;
        readonly slotFreedAt?: number;
        readonly stop?: { by: string; reason: string };
        readonly failure?: { message: string };
        readonly gone?: { reason: string };
      }
    | undefined;
}

/** Beyond a deadline: a sweep comes each minute, and may itself be disturbed. */
const SLACK_MS = 200_000;

export class Monitor {
  readonly violations: Violation[] = [];
  readonly rows = new Map<string, Row>();
  /** The phase that each run was last in. */
  readonly phases = new Map<string, Phase>();
  /** When a run was asked for, by its id. */
  readonly begins = new Map<string, number>();
  /** When a run ended, by its id, and when a workspace was gone, by its own. */
  readonly ends = new Map<string, number>();
  /** `<phase> (<why>)`, for the report. */
  readonly states = new Map<string, number>();
  /** A person asked for the end of a run, or of a workspace, and was heard. */
  onEnding: (row: Row) => void = () => undefined;
  readonly #running = new Map<string, Container>();
  readonly #usedAt = new Map<string, number>();
  /** What may lie between reading that nobody uses it and writing that it stops: a call may take so long, where things go wrong. */
  slownessMs = 65_000;
  readonly #saved = new Map<string, Set<string>>();
  readonly #now: () => number;
  readonly #maxRunning: number;

  constructor(now: () => number, maxRunning: number) {
    this.#now = now;
    this.#maxRunning = maxRunning;
  }

  violate(invariant: number, text: string): void {
    this.violations.push({ invariant, at: this.#now(), text });
  }

  onWrite(before: Item | undefined, after: Item | undefined): void {
    const item = after ?? before;
    const kind = String(item?.sk?.S);
    if (kind === "USER" && after) this.#checkSlots(after);
    if (kind === "WORKSPACE") this.#checkRow(before && rowOf(before), after && rowOf(after));
  }

  onBegin(container: Container): void {
    const workspaceId = parseInstanceId(container.instanceId)?.workspaceId ?? "";
    const other = this.#running.get(workspaceId);
    if (other?.isRunning) {
      this.violate(
        2,
        `${container.instanceId} begins while ${other.instanceId} still runs (task ${other.spec.taskId})`,
      );
    }
    this.#running.set(workspaceId, container);
  }

  onSaved({ instanceId }: Container): void {
    const workspaceId = parseInstanceId(instanceId)?.workspaceId ?? "";
    const saved = this.#saved.get(workspaceId) ?? new Set();
    this.#saved.set(workspaceId, saved.add(instanceId));
  }

  onOpened({ instanceId }: Container, files: ReadonlyMap<string, string>): void {
    const workspaceId = parseInstanceId(instanceId)?.workspaceId ?? "";
    for (const file of this.#saved.get(workspaceId) ?? []) {
      if (!files.has(file)) this.violate(6, `${instanceId} finds nothing of what ${file} saved`);
    }
  }

  /** It is known that somebody used it at that time. */
  onBeat({ instanceId }: Container, activeAt: number): void {
    this.#usedAt.set(instanceId, activeAt);
  }

  /** @param sinceUp when the cloud was started last */
  checkDeadlines(sinceUp: number): void {
    const now = this.#now();
    for (const { id, phase, deadlineAt = Number.POSITIVE_INFINITY } of this.rows.values()) {
      if (phase !== "stopped" && now > Math.max(deadlineAt, sinceUp) + SLACK_MS) {
        this.violate(1, `${id} is ${phase} ${(now - deadlineAt) / 1_000} s after its deadline`);
      }
    }
  }

  #checkSlots(item: Item): void {
    const taken = Object.keys((item.slots?.M as object | undefined) ?? {});
    if (taken.length > this.#maxRunning)
      this.violate(4, `${item.pk?.S} has ${taken.length} slots: ${taken.join(", ")}`);
  }

  #checkRow(before: Row | undefined, after: Row | undefined): void {
    if (after === undefined) {
      if (before) {
        this.rows.delete(before.id);
        this.ends.set(before.id, this.#now());
      }
      return;
    }
    this.rows.set(after.id, after);
    if (before && after.revision <= before.revision) {
      this.violate(3, `${after.id} goes from revision ${before.revision} to ${after.revision}`);
    }
    const { instance, phase } = after;
    const isNew = (what: (row: Row) => unknown): boolean => Boolean(what(after)) && !(before && what(before));
    if (isNew((row) => row.isDeleted) || isNew((row) => row.instance?.id === instance?.id && row.instance?.stop))
      this.onEnding(after);
    if (!instance || !phase) return;
    if (isNew((row) => row.instance?.id === instance.id && row.instance.stop?.by === "idle")) {
      const idleMs = this.#now() - (this.#usedAt.get(instance.id) ?? 0);
      if (idleMs < IDLE_MS - this.slownessMs)
        this.violate(1, `${instance.id} stops as unused, and was used ${idleMs / 1_000} s ago`);
    }
    const last = this.phases.get(instance.id);
    if (last && PHASES.indexOf(phase) < PHASES.indexOf(last)) {
      this.violate(1, `${instance.id} goes back from ${last} to ${phase}`);
    }
    if (last === phase) return;
    if (last === undefined) this.begins.set(instance.id, this.#now());
    this.phases.set(instance.id, phase);
    if (phase === "stopped") this.ends.set(instance.id, this.#now());
    const why = phase === "stopped" ? ` (${whyOf(instance)})` : "";
    this.states.set(phase + why, (this.states.get(phase + why) ?? 0) + 1);
    const running = [...this.rows.values()].filter((row) => row.ownerId === after.ownerId && row.phase !== "stopped");
    if (running.length > this.#maxRunning) {
      this.violate(4, `${after.ownerId} runs ${running.map((row) => row.id).join(", ")}`);
    }
  }
}

function whyOf({ stop, failure, gone }: NonNullable<Row["instance"]>): string {
  if (stop) return stop.by;
  if (failure) return "failure";
  return gone ? "gone" : "its task ended";
}

export function rowOf(item: Item): Row {
  const plain = Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainOf(value)]));
  return { ...plain, isDeleted: plain.deleted !== undefined } as unknown as Row;
}

/** DynamoDB's notation as plain values. */
function plainOf(value: Readonly<Record<string, unknown>>): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.L !== undefined) return (value.L as Record<string, unknown>[]).map(plainOf);
  if (value.M === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(value.M as Record<string, Record<string, unknown>>).map(([name, one]) => [name, plainOf(one)]),
  );
}
