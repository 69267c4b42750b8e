/** From a row to what people see. Pure. Secrets, the volume and the task stay behind: fields are named one by one. */
import { hostLabel } from "#protocol/ids.ts";
import type { Instance as WireInstance, Workspace } from "#protocol/workspace.ts";
import type { Instance } from "./facts.ts";
import { derive } from "./phase.ts";
import type { Site } from "./site.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/** One workspace must fit a socket's message (30,000 bytes) with its envelope. */
const MAX_BYTES = 24_000;

export function presentWorkspace(row: WorkspaceRow, site: Pick<Site, "scheme" | "hostSuffix">): Workspace {
  const workspace: Workspace = {
    id: row.id,
    ownerId: row.ownerId,
    contextUrl: row.contextUrl,
    context: row.context,
    class: row.class,
    createdAt: iso(row.createdAt),
    lastUsedAt: iso(row.lastUsedAt),
    revision: row.revision,
    url: `${site.scheme}//${hostLabel(row.id)}${site.hostSuffix}/`,
    ...(row.instance ? { instance: presentInstance(row.id, row.instance, site) } : {}),
  };
  return withinLimit(workspace);
}

function presentInstance(
  workspaceId: string,
  instance: Instance,
  { scheme, hostSuffix }: Pick<Site, "scheme" | "hostSuffix">,
): WireInstance {
  const { phase, conditions, stages, startedAt, stoppedAt } = derive(instance);
  const isUp = phase === "running" || phase === "initializing";
  const { report } = instance;
  return {
    id: instance.id,
    phase,
    conditions,
    stages: stages.map(({ startedAt: from, endedAt: to, ...stage }) => ({
      ...stage,
      ...(from === undefined ? {} : { startedAt: iso(from) }),
      ...(to === undefined ? {} : { endedAt: iso(to) }),
    })),
    ports: (isUp ? (report?.ports ?? []) : []).map((port) => ({
      port,
      visibility: "private",
      url: `${scheme}//${hostLabel(workspaceId, port)}${hostSuffix}/`,
    })),
    tasks: isUp ? [...(report?.tasks ?? [])] : [],
    ...(report?.commit ? { commit: report.commit } : {}),
    requestedAt: iso(instance.requestedAt),
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
    ...(stoppedAt === undefined ? {} : { stoppedAt: iso(stoppedAt) }),
  };
}

/** A workspace that opens a hundred ports shows as many as fit. */
function withinLimit(workspace: Workspace): Workspace {
  let { instance } = workspace;
  while (
    instance &&
    bytes({ ...workspace, instance }) > MAX_BYTES &&
    instance.ports.length + instance.tasks.length > 0
  ) {
    instance = { ...instance, ports: half(instance.ports), tasks: half(instance.tasks) };
  }
  return instance ? { ...workspace, instance } : workspace;
}

function half<T>(list: T[]): T[] {
  return list.slice(0, Math.floor(list.length / 2));
}

export function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
