/** workspace.create */
import { rememberOpened } from "#functions/access/user-store.ts";
import { type ResolvedContext, resolveContext } from "#functions/contexts/resolve-context.ts";
import type { Handler, UserCall } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { seal } from "#functions/runtime/keys.ts";
import { addLogFields } from "#functions/runtime/log.ts";
import { askDriver } from "#functions/runtime/queue.ts";
import { randomLetters } from "#functions/runtime/random.ts";
import { AtelierError } from "#protocol/errors.ts";
import { instanceId } from "#protocol/ids.ts";
import { CLASSES, DEFAULT_CLASS, findClass } from "./classes.ts";
import { newInstance } from "./facts.ts";
import { makeWorkspaceId } from "./make-workspace-id.ts";
import { assertOwner } from "./own-workspace.ts";
import { presentWorkspace } from "./present-workspace.ts";
import { claimRequest, findRequest } from "./request-store.ts";
import { site } from "./site.ts";
import { freeSlot } from "./slot-store.ts";
import { takePlace } from "./take-place.ts";
import { announce } from "./update-workspace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";
import { getWorkspace, insertWorkspace } from "./workspace-store.ts";

/** A guess at a free id that fails so often means that the source of randomness is broken. */
const MAX_TRIES = 5;

export const createWorkspace: Handler<"workspace.create"> = async (params, call) => {
  const workspaceClass = params.class ?? DEFAULT_CLASS;
  if (!findClass(workspaceClass)) {
    const known = CLASSES.map(({ id }) => id).join(", ");
    throw new AtelierError("INVALID_PARAMS", `There is no class "${workspaceClass}". Choose one of: ${known}.`, {
      path: "class",
    });
  }
  const { requestId } = params;
  const before = requestId === undefined ? undefined : await findByRequest(call.userId, requestId);
  const row = before ?? (await make(await resolveContext(params.contextUrl), workspaceClass, requestId, call));
  return { workspace: presentWorkspace(row, site()) };
};

/** @throws AtelierError CONFLICT when it was made and is deleted */
async function findByRequest(userId: string, requestId: string): Promise<WorkspaceRow | undefined> {
  const request = await findRequest(userId, requestId);
  if (!request) return undefined;
  const row = await getWorkspace(request.workspaceId);
  if (row?.deleted || request.isOver) throw over();
  if (row) assertOwner(row, userId);
  return row;
}

async function make(
  resolved: ResolvedContext,
  workspaceClass: string,
  requestId: string | undefined,
  call: UserCall,
): Promise<WorkspaceRow> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const id = await chooseId(call.userId, requestId);
    const row = await newRow(id, resolved, workspaceClass, requestId, call.userId);
    const firstRun = instanceId(id, 1);
    addLogFields({ instanceId: firstRun });
    await takePlace(call.userId, firstRun);
    if (await insertWorkspace(row)) {
      await Promise.all([
        askDriver(id),
        rememberOpened(call.userId, resolved.context.repository.cloneUrl),
        announce(row),
      ]);
      return row;
    }
    const existing = await getWorkspace(id);
    // The same request, a moment earlier: its slot is this one.
    if (existing?.ownerId === call.userId && existing.requestId === requestId && requestId !== undefined)
      return existing;
    await freeSlot(call.userId, firstRun);
    if (requestId !== undefined) throw over();
  }
  throw new Error("No free workspace id was found.");
}

async function chooseId(userId: string, requestId: string | undefined): Promise<string> {
  const id = makeWorkspaceId();
  if (requestId === undefined) return id;
  const request = await claimRequest(userId, requestId, id);
  if (request.isOver) throw over();
  return request.workspaceId;
}

async function newRow(
  id: string,
  { contextUrl, context, credential }: ResolvedContext,
  workspaceClass: string,
  requestId: string | undefined,
  ownerId: string,
): Promise<WorkspaceRow> {
  const now = clock.now();
  return {
    id,
    ownerId,
    contextUrl,
    context,
    class: workspaceClass,
    createdAt: now,
    lastUsedAt: now,
    ...(requestId === undefined ? {} : { requestId }),
    ...(credential ? { gitCredential: await seal("atelier/git-credential", JSON.stringify(credential), id) } : {}),
    revision: 1,
    run: 1,
    volume: { directory: randomLetters(32) },
    instance: newInstance({ id: instanceId(id, 1), requestedAt: now, class: workspaceClass, volumeKept: false }),
  };
}

function over(): AtelierError {
  return new AtelierError(
    "CONFLICT",
    "The workspace that this request made is deleted. Send a new request with another requestId.",
    { path: "requestId" },
  );
}
