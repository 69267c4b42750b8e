/**
 * The facts that are known of an instance, and how another one is joined to them.
 *
 * `join` is commutative, associative and idempotent: facts may come twice, late and in any order, and the instance ends the
 * same. So each part of it only grows, in an order of its own: the furthest task status, the newest report, the earliest stop.
 * What follows from the facts (the phase, the deadline) is derived in `phase.ts`.
 */
import type { SupervisorFact } from "#protocol/methods/instance.ts";
import { type Attempts, joinAttempt } from "./attempt-facts.ts";
import { canonical, compare, earliest, first, greatest, least, optional } from "./order.ts";
import { joinTask, type TaskFact, type TaskState } from "./task-facts.ts";
import type { Line } from "./turns.ts";

/** Who or what asked for the end of a run. */
export type StopBy = "user" | "idle" | "lifetime" | "deadline" | "deletion";

export interface StopFact {
  at: number;
  by: StopBy;
  /** A sentence for people. */
  reason: string;
}

/** Facts of one run. Instants are milliseconds since 1970. Everything but what the first block holds is joined. */
export interface Instance {
  readonly id: string;
  readonly requestedAt: number;
  readonly class: string;
  /** The volume was there already, so that the stage is skipped. */
  readonly volumeKept: boolean;
  /** SHA-256 (hex) of the supervisor's secret. Set once, by the first hello (a conditional write decides which), so no fact. */
  secretHash?: string;

  /** The highest attempt to run a task that was begun, and when; attempts are begun one after another. */
  attempt?: { number: number; at: number };
  attempts?: Attempts;
  /** AWS answered that this attempt, and so each before it, started nothing. */
  refused: number;
  volumeStartedAt?: number;
  volumeReadyAt?: number;
  /** What it waits for outside of us, and when to ask again: in a `line`, when its turn is. */
  waiting?: { at: number; note: string; retryAt: number; line?: Line };
  /** By task ARN. More than one only if AWS broke its word. */
  tasks: Readonly<Record<string, TaskState>>;
  /** Public DNS names by task ARN. */
  addresses: Readonly<Record<string, string>>;
  /** When the first of them was known. */
  addressedAt?: number;
  helloAt?: number;
  report?: SupervisorFact;
  readyAt?: number;
  /** Somebody used it until then, as far as the sweeper looked. */
  activeAt?: number;
  stop?: StopFact;
  failure?: { at: number; message: string };
  /** Nothing of it runs (any more), whatever else is known. */
  gone?: { at: number; reason: string };
  slotFreedAt?: number;
}

export type Fact =
  | { kind: "attempt"; number: number; at: number }
  | { kind: "refused"; number: number; at?: number; note?: string }
  | { kind: "volume"; startedAt?: number; readyAt?: number }
  /** `attempt`: the one that AWS said it of. */
  | { kind: "waiting"; at: number; note: string; retryAt: number; line?: Line; attempt?: number }
  | { kind: "task"; task: TaskFact }
  | { kind: "address"; taskArn: string; publicName: string; at?: number }
  | { kind: "hello"; at: number }
  /** `at`: when it came, by our clock. The supervisor's own instants are not later than that. */
  | { kind: "report"; at: number; report: SupervisorFact }
  | { kind: "active"; at: number }
  | ({ kind: "stop" } & StopFact)
  | { kind: "failure"; at: number; message: string }
  | { kind: "gone"; at: number; reason: string }
  | { kind: "slot-freed"; at: number };

/** A run of which nothing is known but that it was asked for. */
export function newInstance(of: Pick<Instance, "id" | "requestedAt" | "class" | "volumeKept">): Instance {
  return { ...of, refused: 0, tasks: {}, addresses: {} };
}

export function joinAll(instance: Instance, facts: readonly Fact[]): Instance {
  return facts.reduce(join, instance);
}

export function join(instance: Instance, fact: Fact): Instance {
  switch (fact.kind) {
    case "attempt": {
      const attempt = { number: fact.number, at: fact.at };
      const known = instance.attempt;
      const next = known && byNumberThenLate(known, attempt) >= 0 ? known : attempt;
      return { ...instance, attempt: next, attempts: joinAttempt(instance.attempts, fact.number, { at: fact.at }) };
    }
    case "refused": {
      const refused = Math.max(instance.refused, fact.number);
      const { number, at, note } = fact;
      if (at === undefined) return { ...instance, refused };
      const more = { refusedAt: at, ...(note === undefined ? {} : { said: { at, note } }) };
      return { ...instance, refused, attempts: joinAttempt(instance.attempts, number, more) };
    }
    case "volume":
      return {
        ...instance,
        ...optional("volumeStartedAt", least(instance.volumeStartedAt, fact.startedAt)),
        ...optional("volumeReadyAt", least(instance.volumeReadyAt, fact.readyAt)),
      };
    case "waiting": {
      const { kind: _, attempt, ...waiting } = fact;
      const said = { at: fact.at, note: fact.note };
      return {
        ...instance,
        waiting: greatest(instance.waiting, waiting, (w) => w.at),
        ...(attempt === undefined ? {} : { attempts: joinAttempt(instance.attempts, attempt, { said }) }),
      };
    }
    case "task": {
      const { arn } = fact.task;
      return { ...instance, tasks: { ...instance.tasks, [arn]: joinTask(instance.tasks[arn], fact.task) } };
    }
    case "address": {
      const known = instance.addresses[fact.taskArn];
      const publicName = known !== undefined && known <= fact.publicName ? known : fact.publicName;
      return {
        ...instance,
        addresses: { ...instance.addresses, [fact.taskArn]: publicName },
        ...optional("addressedAt", least(instance.addressedAt, fact.at)),
      };
    }
    case "hello":
      return { ...instance, helloAt: earliest(instance.helloAt, fact.at) };
    case "report":
      return joinReport(instance, fact.at, fact.report);
    case "active":
      return { ...instance, activeAt: Math.max(instance.activeAt ?? 0, fact.at) };
    case "stop": {
      const { kind: _, ...stop } = fact;
      return { ...instance, stop: first(instance.stop, stop) };
    }
    case "failure":
      return { ...instance, failure: first(instance.failure, { at: fact.at, message: fact.message }) };
    case "gone":
      return { ...instance, gone: first(instance.gone, { at: fact.at, reason: fact.reason }) };
    case "slot-freed":
      return { ...instance, slotFreedAt: earliest(instance.slotFreedAt, fact.at) };
  }
}

/**
 * The newest report is kept whole; that it was ready and that it gave up are never taken back. Only the holder of the
 * instance's secret reports, so there is one boot; were there more, their ids would put them in an order like any other.
 */
function joinReport(instance: Instance, at: number, report: SupervisorFact): Instance {
  const known = instance.report;
  const newest = known === undefined || compareReports(known, report) < 0 ? report : known;
  const readyAt = least(instance.readyAt, report.readyAt);
  return {
    ...instance,
    report: newest,
    ...optional("readyAt", readyAt),
    ...(report.failure === undefined ? {} : { failure: first(instance.failure, { at, message: report.failure }) }),
  };
}

function compareReports(a: SupervisorFact, b: SupervisorFact): number {
  return compare(a.bootId, b.bootId) || a.sequence - b.sequence || compare(canonical(a), canonical(b));
}

function byNumberThenLate(a: { number: number; at: number }, b: { number: number; at: number }): number {
  return a.number - b.number || b.at - a.at;
}
