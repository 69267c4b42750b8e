import type * as v from "valibot";
import { instanceMethods } from "./instance.ts";
import { traceMethods } from "./trace.ts";
import { userMethods } from "./user.ts";
import { workspaceMethods } from "./workspace.ts";

/** Every method there is. The router refuses at start-up when one has no handler. */
export const METHODS = { ...userMethods, ...workspaceMethods, ...instanceMethods, ...traceMethods };

export type MethodName = keyof typeof METHODS;
/** What a caller writes. */
export type ParamsOf<M extends MethodName> = v.InferInput<(typeof METHODS)[M]["params"]>;
/** What a handler gets. */
export type ParsedParamsOf<M extends MethodName> = v.InferOutput<(typeof METHODS)[M]["params"]>;
export type ResultOf<M extends MethodName> = v.InferOutput<(typeof METHODS)[M]["result"]>;
