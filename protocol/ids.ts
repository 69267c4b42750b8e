/** Names of things, and what can be read from a name. */
import * as v from "valibot";

/** `amber-otter-x7k2m9q4`: colour, animal, eight letters or digits. Stands in host names, so lower case only. */
export const WORKSPACE_ID = /^[a-z]{3,12}-[a-z]{3,12}-[a-z0-9]{8}$/;
/** `<workspace id>-r<run>`, e.g. `amber-otter-x7k2m9q4-r3`: the workspace's third run. Fits ECS `startedBy` (128 of `[A-Za-z0-9-/_]`). */
export const INSTANCE_ID = /^([a-z]{3,12}-[a-z]{3,12}-[a-z0-9]{8})-r([1-9][0-9]{0,8})$/;

export const WorkspaceId = v.pipe(v.string(), v.regex(WORKSPACE_ID, "This is not a workspace id."));
export const InstanceId = v.pipe(v.string(), v.regex(INSTANCE_ID, "This is not an instance id."));

export function instanceId(workspaceId: string, run: number): string {
  return `${workspaceId}-r${run}`;
}

/** @returns the workspace and the run that an instance id names, or `undefined` for any other string. */
export function parseInstanceId(id: string): { workspaceId: string; run: number } | undefined {
  const match = INSTANCE_ID.exec(id);
  return match ? { workspaceId: match[1] as string, run: Number(match[2]) } : undefined;
}

/** The host label of a workspace, or of one of its ports: `<id>` or `<port>-<id>`. */
export function hostLabel(workspaceId: string, port?: number): string {
  return port === undefined ? workspaceId : `${port}-${workspaceId}`;
}

/** Reads a host label back. @returns `undefined` for anything that is neither a workspace nor a port (1–65535) of one. */
export function parseHostLabel(label: string): { workspaceId: string; port?: number } | undefined {
  if (WORKSPACE_ID.test(label)) return { workspaceId: label };
  const match = /^([1-9][0-9]{0,4})-(.+)$/.exec(label);
  if (!match || !WORKSPACE_ID.test(match[2] as string)) return undefined;
  const port = Number(match[1]);
  return port <= 65_535 ? { workspaceId: match[2] as string, port } : undefined;
}
