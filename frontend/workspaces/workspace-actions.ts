/** What a person can do with a workspace; each leaves its answer in the store. */
import type { App } from "../app.ts";
import { workspaceHash } from "../routing/route.ts";

/** Goes into the IDE. `replace` keeps the start page out of the way back. */
export async function enterWorkspace(
  app: App,
  id: string,
  how: "push" | "replace",
  signal?: AbortSignal,
): Promise<void> {
  const { url } = await app.client.call("workspace.enter", { id }, signal);
  if (!signal?.aborted) app.leave(url, how);
}

/** Asks for a run, and shows it. */
export async function startWorkspace(app: App, id: string, signal?: AbortSignal): Promise<void> {
  const { workspace } = await app.client.call("workspace.start", { id }, signal);
  app.workspaces.put(workspace);
  if (!signal?.aborted) app.router.goTo(workspaceHash(id));
}

export async function stopWorkspace(app: App, id: string, signal?: AbortSignal): Promise<void> {
  const { workspace } = await app.client.call("workspace.stop", { id }, signal);
  app.workspaces.put(workspace);
}

export async function deleteWorkspace(app: App, id: string, signal?: AbortSignal): Promise<void> {
  const { revision } = await app.client.call("workspace.delete", { id }, signal);
  app.workspaces.apply({ type: "deleted", id, revision });
}

/** Asks for a new workspace; the same `requestId` never makes two. */
export async function createWorkspace(
  app: App,
  contextUrl: string,
  requestId: string,
  classId: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const params = {
    contextUrl: app.router.withCredentials(contextUrl),
    requestId,
    ...(classId ? { class: classId } : {}),
  };
  const { workspace } = await app.client.call("workspace.create", params, signal);
  app.workspaces.put(workspace);
  if (!signal?.aborted) app.router.goTo(workspaceHash(workspace.id), "replace");
}

/** 22 characters: 128 random bits. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
