/** What every method handler is given beside its parameters, and the shape of all of them. */
import type { WorkspaceRow } from "#functions/workspaces/workspace-row.ts";
import type { METHODS, MethodName, ParsedParamsOf, ResultOf } from "#protocol/methods/index.ts";
import type { Caller } from "#protocol/methods/method.ts";

/** A signed-in person. */
export interface UserCall {
  readonly kind: "user";
  readonly userId: string;
  readonly name: string;
  readonly email?: string;
  /** Of the session cookie; route tokens carry it. */
  readonly sessionId: string;
}

/** A supervisor that has proved which instance it runs. */
export interface InstanceCall {
  readonly kind: "instance";
  readonly workspaceId: string;
  readonly instanceId: string;
  /** The row that proved it, so that the handler need not read it again. */
  readonly row: WorkspaceRow;
}

/** Nobody yet: only `instance.hello` is called like this, and proves itself by its ticket. */
export interface AnonymousCall {
  readonly kind: "anonymous";
}

type CallFor<M extends MethodName> = M extends "instance.hello"
  ? AnonymousCall
  : (typeof METHODS)[M]["caller"] extends infer C extends Caller
    ? C extends "user"
      ? UserCall
      : InstanceCall
    : never;

export type Handler<M extends MethodName> = (params: ParsedParamsOf<M>, call: CallFor<M>) => Promise<ResultOf<M>>;
export type Handlers = { readonly [M in MethodName]: Handler<M> };
