import { ecsError, refuseUnmodelled } from "./ecs-error.ts";
import { MAX_TASKS_PER_PAGE } from "./limits.ts";
import type { Task } from "./task.ts";

interface Input {
  cluster?: string;
  family?: string;
  startedBy?: string;
  desiredStatus?: string;
  launchType?: string;
  maxResults?: number;
  nextToken?: string;
}

const MODELLED: (keyof Input)[] = [
  "cluster",
  "family",
  "startedBy",
  "desiredStatus",
  "launchType",
  "maxResults",
  "nextToken",
];

/**
 * ListTasks over the tasks of one cluster.
 * @throws ApiError InvalidParameterException, UnsupportedFeatureException
 */
export function listTasks(
  tasks: readonly Task[],
  given: Record<string, unknown>,
): { taskArns: string[]; nextToken?: string } {
  refuseUnmodelled("ListTasks", given, MODELLED);
  const input = given as Input;
  if (input.startedBy !== undefined && (input.family ?? input.desiredStatus ?? input.launchType) !== undefined) {
    throw invalid("When startedBy is given, it must be the only filter.");
  }
  const limit = input.maxResults ?? MAX_TASKS_PER_PAGE;
  if (limit < 1 || limit > MAX_TASKS_PER_PAGE) throw invalid(`maxResults must be 1 to ${MAX_TASKS_PER_PAGE}.`);
  const desiredStatus = input.desiredStatus ?? "RUNNING";
  if (!["RUNNING", "PENDING", "STOPPED"].includes(desiredStatus)) throw invalid(`Invalid status ${desiredStatus}.`);

  const matching = tasks
    .filter((task) => task.desiredStatus === desiredStatus)
    .filter((task) => input.startedBy === undefined || task.startedBy === input.startedBy)
    .filter((task) => input.family === undefined || task.family === input.family)
    .filter(() => input.launchType === undefined || input.launchType === "FARGATE")
    // By id: an order that stays when tasks come and go between two pages.
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const after = input.nextToken === undefined ? "" : readToken(input.nextToken);
  const rest = matching.filter(({ id }) => id > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const taskArns = page.map(({ taskArn }) => taskArn);
  return last === undefined || rest.length <= limit ? { taskArns } : { taskArns, nextToken: makeToken(last.id) };
}

function makeToken(id: string): string {
  return Buffer.from(id, "hex").toString("base64url");
}

function readToken(token: string): string {
  const id = Buffer.from(token, "base64url").toString("hex");
  if (!/^[0-9a-f]{32}$/.test(id)) throw invalid("Invalid token.");
  return id;
}

function invalid(message: string) {
  return ecsError("InvalidParameterException", message);
}
