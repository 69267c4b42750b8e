import * as v from "valibot";
import { Context } from "../context.ts";
import { WorkspaceId } from "../ids.ts";
import { Workspace } from "../workspace.ts";
import { method } from "./method.ts";

const ContextUrl = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1, "Paste the URL of a Git repository."),
  v.maxLength(2_048, "This URL is too long (more than 2,048 characters)."),
);

export const workspaceMethods = {
  /**
   * What a URL points to, asked of its Git host by the Git protocol.
   * Errors: CONTEXT_INVALID, REPOSITORY_NOT_FOUND, REPOSITORY_ACCESS_DENIED, REF_NOT_FOUND, HOST_UNREACHABLE (within 15 s).
   */
  "context.resolve": method(
    "user",
    v.strictObject({ contextUrl: ContextUrl }),
    v.object({
      contextUrl: v.string(),
      context: Context,
      /** This person opened this repository before, and the ref is a branch or tag of it: a link may start it without a click. */
      known: v.boolean(),
      /** Class that it would run on. */
      class: v.string(),
      /** Their workspaces of the same repository and ref, most recently used first. */
      existing: v.array(WorkspaceId),
    }),
  ),
  /**
   * Makes a workspace and asks for its first run. Answers at once, in phase `preparing`.
   * `requestId` makes it idempotent: the same id from the same person gives the workspace that it made the first time.
   * Errors: those of `context.resolve`, and TOO_MANY_RUNNING.
   */
  "workspace.create": method(
    "user",
    v.strictObject({
      contextUrl: ContextUrl,
      class: v.optional(v.string()),
      requestId: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/, "8 to 64 of A-Z a-z 0-9 _ -"))),
    }),
    v.object({ workspace: Workspace }),
  ),
  /**
   * All workspaces of this person, newest first, a page at a time. With the digest of what the client has, an equal list is
   * answered `unchanged` without its content: the keep-alive of a socket.
   */
  "workspace.list": method(
    "user",
    v.strictObject({ digest: v.optional(v.string()), cursor: v.optional(v.string()) }),
    v.object({
      workspaces: v.array(Workspace),
      unchanged: v.optional(v.boolean()),
      /** Present when there is more. */
      cursor: v.optional(v.string()),
    }),
  ),
  /** One workspace, and on request what its current run logged after `logAfter` (0 for all that is kept). */
  "workspace.get": method(
    "user",
    v.strictObject({ id: WorkspaceId, logAfter: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))) }),
    v.object({
      workspace: Workspace,
      log: v.optional(v.array(v.object({ sequence: v.number(), text: v.string() }))),
    }),
  ),
  /** Starts a stopped workspace; answers the running one when it runs already. Errors: NOT_FOUND, CONFLICT (still stopping), TOO_MANY_RUNNING. */
  "workspace.start": method("user", v.strictObject({ id: WorkspaceId }), v.object({ workspace: Workspace })),
  /** Asks it to stop; right in every phase. */
  "workspace.stop": method("user", v.strictObject({ id: WorkspaceId }), v.object({ workspace: Workspace })),
  /** Deletes it with all its files; right in every phase. It is gone from lists at once. */
  "workspace.delete": method(
    "user",
    v.strictObject({ id: WorkspaceId }),
    v.object({ id: WorkspaceId, revision: v.number() }),
  ),
  /** A one-use URL (≤ 60 s) that ends on the clean workspace URL, signed in to it. Errors: NOT_FOUND, CONFLICT (not running). */
  "workspace.enter": method(
    "user",
    v.strictObject({
      id: WorkspaceId,
      port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    }),
    v.object({ url: v.string(), expiresAt: v.string() }),
  ),
};
