/** Tells everyone who watches a workspace. A push is a hint: it may be lost, and the keep-alive's digest finds that. */
import type { NotificationName, NotificationOf } from "#protocol/notifications.ts";

/** Whose sockets hear it: the owner's browsers and the workspace's supervisor. */
export interface Audience {
  ownerId: string;
  workspaceId: string;
}

/** Sends a notification to all open sockets of its audience. Never throws, and is done within a few seconds. */
export async function push<N extends NotificationName>(
  _audience: Audience,
  _name: N,
  _params: NotificationOf<N>,
): Promise<void> {}
