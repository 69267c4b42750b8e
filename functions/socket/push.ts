/** Tells everyone who watches a workspace. A push is a hint: it may be lost, and the keep-alive's digest finds that. */

import { log } from "#functions/runtime/log.ts";
import { postToConnection } from "#functions/runtime/sockets.ts";
import { MAX_SOCKET_MESSAGE_BYTES } from "#protocol/json-rpc.ts";
import type { NotificationName, NotificationOf } from "#protocol/notifications.ts";
import { audiencesOf, connectionsOf, removeConnection, removeSubscription } from "./connection-store.ts";

/** Whose sockets hear it: the owner's browsers and, where it is named, the workspace's supervisor. */
export interface Audience {
  ownerId: string;
  workspaceId?: string;
}

/** Sends a notification to all open sockets of its audience. Never throws, and is done within a few seconds. */
export async function push<N extends NotificationName>(
  audience: Audience,
  name: N,
  params: NotificationOf<N>,
): Promise<void> {
  try {
    const message = fitNotification(name, params);
    if (message === undefined) {
      log.warn("A notification is too large for a socket; clients find the change by their digest.", { name });
      return;
    }
    const audiences = audiencesOf(audience);
    await Promise.all(audiences.map((one) => pushTo(one, message)));
  } catch (error) {
    log.warn("A push was lost.", { name, ...audience, error });
  }
}

async function pushTo(audience: string, message: string): Promise<void> {
  const ids = await connectionsOf(audience);
  await Promise.all(
    ids.map(async (id) => {
      if ((await postToConnection(id, message)) !== "gone") return;
      await Promise.all([removeConnection(id), removeSubscription(audience, id)]);
    }),
  );
}

/**
 * The message's text, within what a socket carries. Of log text that is too long the newest end stays (`workspace.get` has all
 * of it); whatever else is too large gives `undefined`.
 */
export function fitNotification<N extends NotificationName>(name: N, params: NotificationOf<N>): string | undefined {
  const textOf = (content: unknown) => JSON.stringify({ jsonrpc: "2.0", method: name, params: content });
  const whole = textOf(params);
  if (Buffer.byteLength(whole) <= MAX_SOCKET_MESSAGE_BYTES) return whole;
  if (!("text" in params)) return undefined;
  let text = params.text;
  while (text.length > 0) {
    text = text.slice(Math.ceil(text.length / 4));
    const shorter = textOf({ ...params, text: `…${text}` });
    if (Buffer.byteLength(shorter) <= MAX_SOCKET_MESSAGE_BYTES) return shorter;
  }
  return undefined;
}
