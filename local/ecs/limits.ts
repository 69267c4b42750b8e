import { ecsError } from "./ecs-error.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

/**
 * AWS's request rates per account and Region (Amazon ECS developer guide, "Request throttling for the Amazon ECS API" and
 * "AWS Fargate throttling quotas"). A program that is to start thousands of tasks must live with these, so they hold here too.
 */
export const RATES = {
  /** RunTask alone. */
  runTask: { burst: 20, perSecond: 20 },
  /** RunTask, StartTask, StopTask, ExecuteCommand together. */
  clusterModify: { burst: 100, perSecond: 40 },
  /** DescribeTasks and ListTasks. */
  clusterRead: { burst: 100, perSecond: 20 },
  /** RegisterTaskDefinition and DeregisterTaskDefinition. */
  taskDefinitionModify: { burst: 20, perSecond: 1 },
  /** DescribeTaskDefinition. */
  taskDefinitionRead: { burst: 50, perSecond: 20 },
  /** Tasks that Fargate launches, on demand and on Spot each. */
  fargateLaunch: { burst: 100, perSecond: 20 },
} as const satisfies Record<string, Rate>;

/** Tasks of one RunTask call, and tasks or pages of DescribeTasks and ListTasks. */
export const MAX_TASKS_PER_RUN = 10;
export const MAX_TASKS_PER_PAGE = 100;
/** Container overrides of one RunTask call, as JSON. */
export const MAX_OVERRIDES_CHARACTERS = 8_192;
/** AWS shows stopped tasks for at least this long; here they are forgotten then. */
export const STOPPED_TASK_RETENTION_MS = 60 * 60_000;
/** Seconds between SIGTERM and SIGKILL where the container says nothing, and the most that Fargate takes. */
export const DEFAULT_STOP_TIMEOUT_SECONDS = 30;
export const MAX_STOP_TIMEOUT_SECONDS = 120;

type ApiRate = Exclude<keyof typeof RATES, "fargateLaunch">;

/** All buckets of one account. */
export class Limits {
  readonly #now: () => number;
  readonly #api: Record<ApiRate, TokenBucket>;
  readonly #launches: Record<"FARGATE" | "FARGATE_SPOT", TokenBucket>;

  constructor(now: () => number) {
    const bucket = (rate: Rate) => new TokenBucket(rate, now());
    this.#now = now;
    this.#api = {
      runTask: bucket(RATES.runTask),
      clusterModify: bucket(RATES.clusterModify),
      clusterRead: bucket(RATES.clusterRead),
      taskDefinitionModify: bucket(RATES.taskDefinitionModify),
      taskDefinitionRead: bucket(RATES.taskDefinitionRead),
    };
    this.#launches = { FARGATE: bucket(RATES.fargateLaunch), FARGATE_SPOT: bucket(RATES.fargateLaunch) };
  }

  /** Takes one call from all of `rates`, or from none. @throws ApiError ThrottlingException */
  takeCall(...rates: ApiRate[]): void {
    const now = this.#now();
    if (rates.some((rate) => this.#api[rate].available(now) < 1)) {
      throw ecsError("ThrottlingException", "Rate exceeded");
    }
    for (const rate of rates) this.#api[rate].take(now);
  }

  /** @throws ApiError ThrottlingException when Fargate does not launch that many tasks now */
  takeLaunches(provider: "FARGATE" | "FARGATE_SPOT", count: number): void {
    if (!this.#launches[provider].take(this.#now(), count)) {
      throw ecsError("ThrottlingException", `Rate exceeded: the ${provider} task launch rate`);
    }
  }
}
