/** For property tests: facts of one instance, as odd as they can come. */
import fc from "fast-check";
import { type Fact, type Instance, newInstance } from "./facts.ts";
import { TASK_STATUSES } from "./task-facts.ts";

export const REQUESTED_AT = 1_000_000;

export function freshInstance(volumeKept = false): Instance {
  const id = "amber-otter-abcd2345-r1";
  return newInstance({ id, requestedAt: REQUESTED_AT, class: "standard", volumeKept });
}

const at = fc.integer({ min: REQUESTED_AT, max: REQUESTED_AT + 60 });
const arn = fc.constantFrom("arn:aws:ecs:task/1", "arn:aws:ecs:task/2");
const text = fc.constantFrom("a", "b", "c");

function some<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

/** Absent rather than undefined, as in what comes over the wire. */
function record<T extends Record<string, unknown>>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc
    .record(model)
    .map((value) => Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T);
}

const step = record({
  state: fc.constantFrom("waiting" as const, "active" as const, "done" as const, "skipped" as const, "failed" as const),
  startedAt: some(at),
  endedAt: some(at),
});

const task = record({
  arn,
  version: fc.integer({ min: 1, max: 9 }),
  status: fc.constantFrom(...TASK_STATUSES),
  stopWanted: fc.boolean(),
  at,
  createdAt: some(at),
  pullStartedAt: some(at),
  startedAt: some(at),
  stoppedAt: some(at),
  networkInterfaceId: some(text),
  end: some(
    fc.record({
      code: fc.constantFrom("UserInitiated", "EssentialContainerExited", "SpotInterruption", "TaskFailedToStart"),
      reason: text,
    }),
  ),
});

const report = record({
  bootId: fc.constantFrom("aaaaaaaa", "bbbbbbbb"),
  sequence: fc.integer({ min: 1, max: 5 }),
  clone: step,
  ide: step,
  readyAt: some(at),
  failure: some(text),
  ports: fc.constantFrom([], [3_000]),
  tasks: fc.constant([]),
});

/** All but those that end a run, so that starts are looked at too. */
const onTheWay: fc.Arbitrary<Fact>[] = [
  fc.record({ kind: fc.constant("attempt" as const), number: fc.integer({ min: 1, max: 3 }), at }),
  record({
    kind: fc.constant("refused" as const),
    number: fc.integer({ min: 1, max: 3 }),
    at: some(at),
    note: some(text),
  }),
  record({ kind: fc.constant("volume" as const), startedAt: some(at), readyAt: some(at) }),
  record({
    kind: fc.constant("waiting" as const),
    at,
    note: text,
    retryAt: at,
    attempt: some(fc.integer({ min: 1, max: 3 })),
  }),
  fc.record({
    kind: fc.constant("task" as const),
    task: task.map(({ end: _, ...rest }) => ({ ...rest, stopWanted: false, status: early(rest.status) })),
  }),
  record({ kind: fc.constant("address" as const), taskArn: arn, publicName: text, at: some(at) }),
  fc.record({ kind: fc.constant("hello" as const), at }),
  fc.record({
    kind: fc.constant("report" as const),
    at,
    report: report.map(({ failure: _, ...rest }) => rest),
  }),
  fc.record({ kind: fc.constant("active" as const), at }),
] as fc.Arbitrary<Fact>[];

const ending: fc.Arbitrary<Fact>[] = [
  fc.record({ kind: fc.constant("task" as const), task }),
  fc.record({ kind: fc.constant("report" as const), at, report }),
  fc.record({
    kind: fc.constant("stop" as const),
    at,
    by: fc.constantFrom("user", "idle", "lifetime", "deadline", "deletion"),
    reason: text,
  }),
  fc.record({ kind: fc.constant("failure" as const), at, message: text }),
  fc.record({ kind: fc.constant("gone" as const), at, reason: text }),
  fc.record({ kind: fc.constant("slot-freed" as const), at }),
] as fc.Arbitrary<Fact>[];

export const startFacts = fc.array(fc.oneof(...onTheWay), { maxLength: 14 });
export const anyFacts = fc.array(fc.oneof(...onTheWay, ...ending), { maxLength: 14 });
export const manyFacts = fc.oneof(startFacts, anyFacts);

function early(status: (typeof TASK_STATUSES)[number]): (typeof TASK_STATUSES)[number] {
  return TASK_STATUSES.indexOf(status) > TASK_STATUSES.indexOf("RUNNING") ? "RUNNING" : status;
}
