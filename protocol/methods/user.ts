import * as v from "valibot";
import { WorkspaceClass } from "../workspace.ts";
import { method } from "./method.ts";

export const userMethods = {
  /** Who is signed in, and what they may do. */
  "user.me": method(
    "user",
    v.strictObject({}),
    v.object({
      id: v.string(),
      name: v.string(),
      email: v.optional(v.string()),
      limits: v.object({ runningInstances: v.number() }),
      classes: v.array(WorkspaceClass),
    }),
  ),
  /** A one-use ticket for `/socket?ticket=<ticket>`, good for at most 60 s. */
  "socket.ticket": method("user", v.strictObject({}), v.object({ ticket: v.string(), expiresAt: v.string() })),
};
