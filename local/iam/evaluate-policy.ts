import { matchesPattern } from "./match-pattern.ts";

/** One statement of a policy, its single values already lists. `Condition`s are not evaluated: an Allow counts with them. */
export interface Statement {
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly notActions: readonly string[] | undefined;
  readonly resources: readonly string[];
  readonly notResources: readonly string[] | undefined;
  readonly conditional: boolean;
}

export type Verdict = "allowed" | "denied" | "not granted";

/** @throws Error that says what of the document is not understood */
export function parsePolicy(document: unknown): Statement[] {
  const statements = (document as { Statement?: unknown } | undefined)?.Statement;
  if (statements === undefined) throw new Error("the policy document has no Statement");
  return toList(statements).map((statement) => parseStatement(statement as Record<string, unknown>));
}

function parseStatement(statement: Record<string, unknown>): Statement {
  const unknownKeys = Object.keys(statement).filter((key) => !knownKeys.has(key));
  if (unknownKeys.length > 0)
    throw new Error(`a policy statement has ${unknownKeys.join(", ")}, which is not modelled`);
  const { Effect: effect } = statement;
  if (effect !== "Allow" && effect !== "Deny") throw new Error("a policy statement's Effect is neither Allow nor Deny");
  return {
    effect,
    actions: toList(statement.Action).map(String),
    notActions: statement.NotAction === undefined ? undefined : toList(statement.NotAction).map(String),
    resources: toList(statement.Resource).map(String),
    notResources: statement.NotResource === undefined ? undefined : toList(statement.NotResource).map(String),
    conditional: statement.Condition !== undefined,
  };
}

const knownKeys = new Set(["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]);

/** What the statements say of an action on a resource: a Deny wins; a conditional Deny is left out, since it may not hold. */
export function evaluate(statements: readonly Statement[], action: string, resource: string): Verdict {
  const matching = statements.filter((statement) => matches(statement, action, resource));
  if (matching.some((statement) => statement.effect === "Deny" && !statement.conditional)) return "denied";
  return matching.some((statement) => statement.effect === "Allow") ? "allowed" : "not granted";
}

function matches(statement: Statement, action: string, resource: string): boolean {
  const { actions, notActions, resources, notResources } = statement;
  // Actions are compared without case, resources with.
  const covers = (pattern: string): boolean => matchesPattern(pattern.toLowerCase(), action.toLowerCase());
  const reaches = (pattern: string): boolean => matchesPattern(pattern, resource);
  const actionMatches = notActions === undefined ? actions.some(covers) : !notActions.some(covers);
  return actionMatches && (notResources === undefined ? resources.some(reaches) : !notResources.some(reaches));
}

function toList(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
