/** What a history says of its world. */
import type { Fault } from "./faults.ts";
import type { IncomingAnswer, OutgoingRequest } from "./http-modules.ts";
import type { SupervisorParts } from "./supervisor.ts";
import type { World } from "./world.ts";

export interface WorldOptions {
  readonly seed: number | string;
  readonly faults: readonly Fault[];
  /** A deliberate defect: may change a call's answer, or what is called. */
  readonly tamper?: Tamper | undefined;
  /** When it begins, milliseconds since 1970. */
  readonly now?: number;
  /** Origin of the OpenID provider, which is there in earnest. */
  readonly issuer?: string;
  /** `false`: the deployment has to make its keys. */
  readonly hasKeys?: boolean;
  /** A deliberate defect of the function at the edge. */
  readonly changeEdge?: ((code: string) => string) | undefined;
  readonly onSupervisor: Pick<SupervisorParts, "onSaved" | "onOpened" | "onIdentity" | "onBeat">;
}

/** Stands between functions and services. @returns `undefined` to let the call through */
export type Tamper = (
  call: { functionName: string; operation: string; input: Record<string, unknown> },
  request: OutgoingRequest,
  /** The call, or another one of the same service. */
  perform: (changed?: Record<string, unknown>, operation?: string) => Promise<IncomingAnswer>,
  world: World,
) => Promise<IncomingAnswer> | undefined;
