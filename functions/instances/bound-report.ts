/** Makes a supervisor's report safe to keep: a workspace is hostile. Pure. */
import type { StepFact, SupervisorFact } from "#protocol/methods/instance.ts";

const MAX_NAME = 64;

/**
 * Its instants are brought between the request and now: a clock that is wrong (or lies) must neither lengthen a run nor be shown.
 * Names are cut, so that a row stays small.
 */
export function boundReport(report: SupervisorFact, requestedAt: number, now: number): SupervisorFact {
  const bound = (time: number) => Math.min(Math.max(time, requestedAt), Math.max(now, requestedAt));
  const boundStep = ({ startedAt, endedAt, ...step }: StepFact): StepFact => ({
    ...step,
    ...(startedAt === undefined ? {} : { startedAt: bound(startedAt) }),
    ...(endedAt === undefined ? {} : { endedAt: bound(endedAt) }),
  });
  const { commit, readyAt, ...rest } = report;
  return {
    ...rest,
    clone: boundStep(report.clone),
    ide: boundStep(report.ide),
    ...(readyAt === undefined ? {} : { readyAt: bound(readyAt) }),
    ...(commit ? { commit: { hash: commit.hash.slice(0, MAX_NAME), subject: commit.subject } } : {}),
    ports: [...new Set(report.ports)].sort((a, b) => a - b),
    tasks: report.tasks.map(({ id, name, state }) => ({
      id: id.slice(0, MAX_NAME),
      name: name.slice(0, MAX_NAME),
      state,
    })),
  };
}
