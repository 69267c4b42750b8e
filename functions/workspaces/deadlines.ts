/** How long things may take. Milliseconds. Every phase has its deadline, so that no start hangs and no state lies for long. */

const MINUTE_MS = 60_000;

/** From the request until a task is there: longer than AWS needs to find capacity in all but the worst hours. */
export const PREPARING_MS = 10 * MINUTE_MS;
/** From the task until its container is being made. */
export const PENDING_MS = 10 * MINUTE_MS;
/** Pulling an image of some GB takes one to two minutes. */
export const CREATING_MS = 10 * MINUTE_MS;
/** A clone of a very large repository on a network file system. */
export const INITIALIZING_MS = 30 * MINUTE_MS;
/** The longest that a run lasts: what is forgotten while something keeps it busy ends here. */
export const LIFETIME_MS = 36 * 60 * MINUTE_MS;
/** Without anybody using it. */
export const IDLE_MS = 30 * MINUTE_MS;
/** Fargate kills after 120 s at most, and then has to say so. */
export const STOPPING_MS = 3 * MINUTE_MS;

/** ECS answers about a new task late ("eventually consistent"), so only now does "no such task" count. */
export const TASK_GRACE_MS = 15_000;
/** Between looks at a task whose end was asked for: events do come, and this is for those that are lost. */
export const STOP_CHECK_MS = 8_000;
/** A slot may stand this long without its instance: it is taken before the row is written. */
export const SLOT_GRACE_MS = 60_000;
/** A start that nobody drives for this long was forgotten between two writes. */
export const FORGOTTEN_MS = 15_000;
