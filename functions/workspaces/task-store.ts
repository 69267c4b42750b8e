/** Tasks on ECS. */
import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  type ListTasksCommandInput,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { clock } from "#functions/runtime/clock.ts";
import { env } from "#functions/runtime/config.ts";
import { isNamed, kindOfError, permanentText } from "./cloud-error.ts";
import { type TaskFact, taskFactOf } from "./task-facts.ts";
import type { RunParameters } from "./task-parameters.ts";
import { TURN_NOTES } from "./turns.ts";

// Three tries of the SDK's own; beyond that the launch queue has more patience than a function.
const client = new ECSClient({ maxAttempts: 3 });
// RunTask and StopTask are not repeated here: who is throttled takes a turn, and both can be asked again.
const patient = new ECSClient({ maxAttempts: 1 });

/** DescribeTasks takes so many. */
const PAGE = 100;

export type RunOutcome =
  | { kind: "started"; tasks: TaskFact[] }
  /** AWS started nothing, and may later. `isAnswer`: it said so of this very attempt, so that the next needs another token. */
  | { kind: "waiting"; note: string; isAnswer: boolean; isThrottled?: true }
  | { kind: "refused"; message: string };

/** Never throws for what AWS answers; an attempt whose outcome is not known is `waiting` without being an answer. */
export async function runTask(parameters: RunParameters): Promise<RunOutcome> {
  try {
    const answer = await patient.send(
      new RunTaskCommand({
        cluster: env("CLUSTER_ARN"),
        taskDefinition: parameters.taskDefinitionArn,
        launchType: "FARGATE",
        count: 1,
        startedBy: parameters.startedBy,
        clientToken: parameters.clientToken,
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: env("SUBNET_IDS").split(","),
            securityGroups: [env("SECURITY_GROUP_ID")],
            assignPublicIp: "ENABLED",
          },
        },
        overrides: {
          cpu: parameters.cpu,
          memory: parameters.memory,
          containerOverrides: [
            {
              name: "workspace",
              environment: Object.entries(parameters.environment).map(([name, value]) => ({ name, value })),
            },
          ],
        },
      }),
    );
    const tasks = factsOf(answer.tasks);
    if (tasks.length > 0) return { kind: "started", tasks };
    const reason = answer.failures?.map(({ reason: why, detail }) => why ?? detail).find(Boolean);
    return { kind: "waiting", note: `Waiting for a machine: ${reason ?? "AWS gave no reason"}`, isAnswer: true };
  } catch (error) {
    return outcomeOf(error);
  }
}

async function outcomeOf(error: unknown): Promise<RunOutcome> {
  if (isNamed(error, "ConflictException")) {
    // The token was used with other parameters: its task is there, and is the one that we want.
    const arns = (error as { resourceIds?: string[] }).resourceIds ?? [];
    const { tasks } = await describeTasks(arns);
    if (tasks.length > 0) return { kind: "started", tasks: tasks.map(({ fact }) => fact) };
    return { kind: "waiting", note: "Waiting for AWS to show the machine", isAnswer: false };
  }
  switch (kindOfError(error)) {
    case "waiting": {
      // A throttled call was not looked at, so its token is still good.
      const isThrottled = /Throttl|TooManyRequests|RequestLimit/i.test((error as Error).name);
      return isThrottled
        ? {
            kind: "waiting",
            note: TURN_NOTES["run-task"],
            isAnswer: false,
            isThrottled: true,
          }
        : { kind: "waiting", note: "Waiting for capacity: AWS has no machine free now", isAnswer: true };
    }
    case "unsure":
      return { kind: "waiting", note: "Waiting for AWS to answer", isAnswer: false };
    case "permanent":
      return { kind: "refused", message: permanentText("The machine could not be started", error) };
  }
}

export interface DescribedTask {
  fact: TaskFact;
  startedBy: string | undefined;
}

/** @returns what ECS knows of them, and the ARNs of which it knows nothing (yet, or any more) */
export async function describeTasks(arns: readonly string[]): Promise<{ tasks: DescribedTask[]; missing: string[] }> {
  const tasks: DescribedTask[] = [];
  const missing: string[] = [];
  for (let from = 0; from < arns.length; from += PAGE) {
    const answer = await client.send(
      new DescribeTasksCommand({ cluster: env("CLUSTER_ARN"), tasks: arns.slice(from, from + PAGE) }),
    );
    for (const task of answer.tasks ?? []) {
      const [fact] = factsOf([task]);
      if (fact) tasks.push({ fact, startedBy: task.startedBy });
    }
    for (const { arn, reason } of answer.failures ?? []) if (arn && reason === "MISSING") missing.push(arn);
  }
  return { tasks, missing };
}

/** ARNs of tasks that are to run, as far as ECS knows by now. One filter at most. */
export async function listTasks(filter: { startedBy: string } | { family: string } | undefined): Promise<string[]> {
  const arns: string[] = [];
  const input: ListTasksCommandInput = { cluster: env("CLUSTER_ARN"), ...filter };
  let nextToken: string | undefined;
  do {
    const page = await client.send(new ListTasksCommand(nextToken ? { ...input, nextToken } : input));
    arns.push(...(page.taskArns ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return arns;
}

/** @returns what the task is now; `undefined` when ECS knows of no such task */
export async function stopTask(arn: string, reason: string): Promise<TaskFact | undefined> {
  try {
    const { task } = await patient.send(
      new StopTaskCommand({ cluster: env("CLUSTER_ARN"), task: arn, reason: reason.slice(0, 255) }),
    );
    return factsOf(task ? [task] : [])[0];
  } catch (error) {
    if (isNamed(error, "InvalidParameterException") && /not found/i.test((error as Error).message)) return undefined;
    throw error;
  }
}

function factsOf(tasks: readonly Task[] | undefined): TaskFact[] {
  return (tasks ?? []).map((task) => taskFactOf(task, clock.now())).filter((fact) => fact !== undefined);
}
