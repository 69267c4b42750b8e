/** From an instance's facts to the trace that its owner sees. Pure. Fields are named one by one, so that nothing else leaves. */
import type { Trace } from "#protocol/methods/trace.ts";
import type { Instance } from "./facts.ts";
import { derive } from "./phase.ts";

export function presentTrace(workspaceId: string, instance: Instance): Trace {
  const { phase, conditions, spans, marks, stoppedAt } = derive(instance);
  return {
    instanceId: instance.id,
    workspaceId,
    phase,
    conditions,
    requestedAt: iso(instance.requestedAt),
    ...(stoppedAt === undefined ? {} : { endedAt: iso(stoppedAt) }),
    spans: spans.map(({ startedAt, endedAt, ...span }) => ({
      ...span,
      startedAt: iso(startedAt),
      ...(endedAt === undefined ? {} : { endedAt: iso(endedAt) }),
    })),
    marks: marks.map(({ at, ...mark }) => ({ ...mark, at: iso(at) })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
