/** instance.hello: a launch ticket for an identity. */
import { getUser } from "#functions/access/user-store.ts";
import type { Handler } from "#functions/rpc/call.ts";
import { clock } from "#functions/runtime/clock.ts";
import { deriveKeyById, open, routePublicKeys } from "#functions/runtime/keys.ts";
import { addLogFields, log } from "#functions/runtime/log.ts";
import { join } from "#functions/workspaces/facts.ts";
import { phaseOf } from "#functions/workspaces/phase.ts";
import { presentWorkspace } from "#functions/workspaces/present-workspace.ts";
import { site } from "#functions/workspaces/site.ts";
import { updateWorkspace } from "#functions/workspaces/update-workspace.ts";
import type { WorkspaceRow } from "#functions/workspaces/workspace-row.ts";
import { AtelierError } from "#protocol/errors.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { isLaunchTicket, keyIdOf } from "./launch-ticket.ts";

export const sayHello: Handler<"instance.hello"> = async ({ instanceId, ticket, secretHash, protocolVersion }) => {
  addLogFields({ instanceId });
  if (protocolVersion !== PROTOCOL_VERSION) {
    const text = `This supervisor speaks version ${protocolVersion} of the protocol, and the control plane ${PROTOCOL_VERSION}. Build the workspace image again.`;
    throw new AtelierError("VERSION_MISMATCH", text);
  }
  const run = parseInstanceId(instanceId);
  const key = await keyOf(ticket);
  if (!run || !key) throw refused("The launch ticket is not good.");
  const row = await updateWorkspace(run.workspaceId, (current) => {
    const { instance } = current;
    const attempt = instance?.attempt?.number ?? 0;
    if (
      instance?.id !== instanceId ||
      attempt <= instance.refused ||
      !isLaunchTicket(ticket, key, instanceId, attempt)
    ) {
      throw refused("The launch ticket is not good.");
    }
    const phase = phaseOf(instance);
    if (phase === "stopping" || phase === "stopped") throw refused("This run was asked to end.");
    if (instance.secretHash !== undefined && instance.secretHash !== secretHash) {
      throw refused("Somebody said hello for this run before, with another secret.");
    }
    // Repeated by the same supervisor, whose answer was lost.
    if (instance.secretHash === secretHash) return undefined;
    return { ...current, instance: { ...join(instance, { kind: "hello", at: clock.now() }), secretHash } };
  });
  if (!row) throw refused("The launch ticket is not good.");
  return answerFor(row, instanceId);
};

async function answerFor(row: WorkspaceRow, instanceId: string): ReturnType<Handler<"instance.hello">> {
  const { context } = row;
  const { repository } = context;
  const [owner, routeKeys, gitCredentials] = await Promise.all([
    getUser(row.ownerId),
    routePublicKeys(),
    credentialsOf(row),
  ]);
  const place = site();
  const fullRef = fullRefOf(row);
  return {
    workspaceId: row.id,
    content: {
      cloneUrl: repository.cloneUrl,
      ...(fullRef === undefined ? {} : { fullRef }),
      ...(context.commit === undefined ? {} : { commit: context.commit }),
      name: repository.name,
      path: context.path,
    },
    gitCredentials,
    gitIdentity: { name: owner?.name ?? "", email: owner?.email ?? "" },
    routeKeys,
    hostSuffix: place.hostSuffix,
    dashboardOrigin: place.dashboardOrigin,
    environment: {
      ATELIER_WORKSPACE_ID: row.id,
      ATELIER_INSTANCE_ID: instanceId,
      ATELIER_WORKSPACE_URL: presentWorkspace(row, place).url,
      ATELIER_CONTEXT_URL: row.contextUrl,
    },
  };
}

function fullRefOf({ context: { ref, refType } }: WorkspaceRow): string | undefined {
  if (ref === "") return undefined;
  switch (refType) {
    case "branch":
      return `refs/heads/${ref}`;
    case "tag":
      return `refs/tags/${ref}`;
    case "ref":
      return ref;
    case "revision":
      return undefined;
  }
}

/** What stood in the context URL. It leaves only in this answer, to the first who said hello. */
async function credentialsOf(row: WorkspaceRow): Promise<{ host: string; username: string; password: string }[]> {
  if (row.gitCredential === undefined) return [];
  const text = await open("atelier/git-credential", row.gitCredential, row.id);
  if (text === undefined) {
    log.warn("The Git credential of a workspace cannot be opened: its key is gone.", { workspaceId: row.id });
    return [];
  }
  const { username, password } = JSON.parse(text) as { username: string; password: string };
  return [{ host: row.context.repository.host, username, password }];
}

async function keyOf(ticket: string): Promise<{ id: string; key: Buffer } | undefined> {
  const id = keyIdOf(ticket);
  const key = id === undefined ? undefined : await deriveKeyById("atelier/launch", id);
  return id === undefined || key === undefined ? undefined : { id, key };
}

function refused(message: string): AtelierError {
  return new AtelierError("PERMISSION_DENIED", message);
}
