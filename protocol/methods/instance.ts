/**
 * What a supervisor says of its instance. All calls but `instance.hello` carry `Authorization: Bearer <instance id>.<secret>`.
 * They go up by `POST /rpc` and are repeated until they are acknowledged.
 */
import * as v from "valibot";
import { InstanceId } from "../ids.ts";
import { Task } from "../workspace.ts";
import { method } from "./method.ts";

const Millis = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A step of the supervisor's with its own times (milliseconds since 1970, the supervisor's clock). */
export const StepFact = v.strictObject({
  state: v.picklist(["waiting", "active", "done", "skipped", "failed"]),
  startedAt: v.optional(Millis),
  endedAt: v.optional(Millis),
  /** `Receiving objects 42 %`. */
  detail: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
export type StepFact = v.InferOutput<typeof StepFact>;

/** All that a supervisor knows, whole each time: so a lost or late report does no harm. */
export const SupervisorFact = v.strictObject({
  /** Random, made at the supervisor's start. */
  bootId: v.pipe(v.string(), v.regex(/^[a-z0-9]{8,32}$/)),
  /** Grows by one with each report of a boot. */
  sequence: v.pipe(v.number(), v.integer(), v.minValue(1)),
  clone: StepFact,
  ide: StepFact,
  /** When the IDE answered for the first time; never taken back. */
  readyAt: v.optional(Millis),
  /** Why it gives up: a sentence for people, saying what to do. Set once. */
  failure: v.optional(v.pipe(v.string(), v.maxLength(2_000))),
  commit: v.optional(v.strictObject({ hash: v.string(), subject: v.pipe(v.string(), v.maxLength(200)) })),
  /** Ports that something in the workspace listens on. */
  ports: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))), v.maxLength(100)),
  tasks: v.pipe(v.array(Task), v.maxLength(50)),
});
export type SupervisorFact = v.InferOutput<typeof SupervisorFact>;

export const instanceMethods = {
  /**
   * The first call. `ticket` is what RunTask's environment carried; `secretHash` is SHA-256 (hex) of 32 random bytes (base64url
   * text) that the supervisor made and keeps. The first hash wins; the same hash may say hello again.
   */
  "instance.hello": method(
    "instance",
    v.strictObject({
      instanceId: InstanceId,
      ticket: v.string(),
      secretHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      protocolVersion: v.number(),
    }),
    v.object({
      workspaceId: v.string(),
      /** What to clone; `commit` absent for an empty repository. */
      content: v.object({
        cloneUrl: v.string(),
        /** Full name (`refs/heads/main`), or absent for a bare commit. */
        fullRef: v.optional(v.string()),
        commit: v.optional(v.string()),
        name: v.string(),
        /** File or folder to show first; empty for none. */
        path: v.string(),
      }),
      /** Kept in memory, handed to Git by a credential helper, never written down. */
      gitCredentials: v.array(v.object({ host: v.string(), username: v.string(), password: v.string() })),
      gitIdentity: v.object({ name: v.string(), email: v.string() }),
      /** Public halves (Ed25519, SPKI, base64url DER) of the keys that sign route tokens, by key id. */
      routeKeys: v.record(v.string(), v.string()),
      /** Hosts that this instance answers for are `<label><hostSuffix>`, e.g. `.ws.localhost:4000`. */
      hostSuffix: v.string(),
      dashboardOrigin: v.string(),
      /** Variables for the person's processes. */
      environment: v.record(v.string(), v.string()),
    }),
  ),
  "instance.report": method("instance", SupervisorFact, v.object({ accepted: v.boolean() })),
  /** Lines for the start page. `sequence` of the first call is 1; a repeated sequence is dropped. At most 20,000 characters a call. */
  "instance.log": method(
    "instance",
    v.strictObject({
      sequence: v.pipe(v.number(), v.integer(), v.minValue(1)),
      text: v.pipe(v.string(), v.maxLength(20_000)),
    }),
    v.object({ accepted: v.boolean() }),
  ),
  /** A sign of life, each minute. `activeAt`: when somebody last used it (milliseconds since 1970). */
  "instance.heartbeat": method("instance", v.strictObject({ activeAt: Millis }), v.object({ accepted: v.boolean() })),
  /**
   * Trades a one-use ticket from a URL for a route token. `host` is the `Host` that the ticket came to.
   * Errors: PERMISSION_DENIED (used, too old, for another host or instance).
   */
  "instance.redeem": method(
    "instance",
    v.strictObject({ ticket: v.string(), host: v.string() }),
    v.object({ token: v.string(), cookieName: v.string(), secure: v.boolean(), maxAgeSeconds: v.number() }),
  ),
};
