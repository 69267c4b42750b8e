import { compilePattern, type EventMatcher } from "./match-event.ts";
import { readSchedule } from "./read-schedule.ts";

/** An event as targets receive it. */
export interface CloudEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface RuleTarget {
  readonly id: string;
  readonly arn: string;
  /** JSON that is sent instead of the event. */
  readonly input: string | undefined;
  readonly deadLetterArn: string | undefined;
  readonly maxRetries: number;
  readonly maxAgeMs: number;
}

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly matches: EventMatcher | undefined;
  readonly intervalMs: number | undefined;
  readonly targets: readonly RuleTarget[];
}

/** EventBridge takes patterns of up to 2,048 characters, and 5 targets a rule. */
const maxPatternLength = 2048;
const maxTargets = 5;

/** @throws Error that names the property whose value is not modelled */
export function readRule(
  properties: Readonly<Record<string, unknown>>,
  identity: Pick<Rule, "name" | "arn" | "bus">,
): Rule {
  const { EventPattern: pattern, ScheduleExpression: schedule } = properties;
  if (JSON.stringify(pattern ?? {}).length > maxPatternLength) {
    throw new Error(`EventPattern: is longer than ${maxPatternLength} characters`);
  }
  const targets = ((properties.Targets ?? []) as Record<string, unknown>[]).map(readTarget);
  if (targets.length > maxTargets) throw new Error(`Targets: a rule has at most ${maxTargets}`);
  return {
    ...identity,
    matches: pattern === undefined ? undefined : compilePattern(pattern),
    intervalMs: schedule === undefined ? undefined : readSchedule(String(schedule)),
    targets,
  };
}

function readTarget(target: Record<string, unknown>): RuleTarget {
  const { Arn, Id, Input, RetryPolicy, DeadLetterConfig, ...rest } = target;
  const unknownKeys = Object.keys(rest);
  if (unknownKeys.length > 0) throw new Error(`Targets: ${unknownKeys.join(", ")} is not modelled`);
  const retry = (RetryPolicy ?? {}) as { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number };
  return {
    id: String(Id),
    arn: String(Arn),
    input: Input === undefined ? undefined : String(Input),
    deadLetterArn: (DeadLetterConfig as { Arn?: string } | undefined)?.Arn,
    maxRetries: Number(retry.MaximumRetryAttempts ?? 185),
    maxAgeMs: Number(retry.MaximumEventAgeInSeconds ?? 86_400) * 1000,
  };
}
