import type * as v from "valibot";

/** Who may call a method: a signed-in person (cookie, API token, socket) or a supervisor (its instance's bearer). */
export type Caller = "user" | "instance";

export interface Method<
  P extends v.GenericSchema = v.GenericSchema,
  R extends v.GenericSchema = v.GenericSchema,
  C extends Caller = Caller,
> {
  readonly caller: C;
  /** Strict: an unknown key is an error, so that a typo is one. */
  readonly params: P;
  readonly result: R;
}

export function method<C extends Caller, P extends v.GenericSchema, R extends v.GenericSchema>(
  caller: C,
  params: P,
  result: R,
): Method<P, R, C> {
  return { caller, params, result };
}
