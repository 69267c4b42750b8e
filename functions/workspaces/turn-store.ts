/**
 * Lines before AWS's rates: when a call was throttled, starts take turns at the rate that AWS keeps up, rather than asking again
 * and again. A line is one item that says when its last turn is; to take a turn is one write.
 */
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { clock } from "#functions/runtime/clock.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";
import type { Line } from "./turns.ts";

/** Between two turns, milliseconds: AWS's sustained rates (Amazon ECS, "Request throttling"; AWS Fargate, "throttling quotas"). */
const STEP_MS: Readonly<Record<Line, number>> = {
  /** 20 a second: RunTask, and Fargate's launches. */
  "run-task": 50,
  /** 1 a second: RegisterTaskDefinition. */
  "make-volume": 1_000,
  /** 40 a second together with RunTask: StopTask. */
  "stop-task": 25,
};

/** What this environment knows of the lines: only a hint that saves calls which would be throttled. */
const lastTurns = new Map<Line, { turn: number; knownAt: number }>();

/** How long somebody is known to wait in the line, so that whoever comes now has to; milliseconds, 0 when nobody is. */
export function waitOf(line: Line): number {
  const { turn, knownAt } = lastTurns.get(line) ?? { turn: 0, knownAt: 0 };
  const now = clock.now();
  // A clock that was set back makes it worth nothing.
  return knownAt <= now ? Math.max(0, turn - now) : 0;
}

/** @returns when the turn is that is now taken, milliseconds since 1970 */
export async function takeTurn(line: Line): Promise<number> {
  const turn = await advance(line);
  lastTurns.set(line, { turn, knownAt: clock.now() });
  return turn;
}

async function advance(line: Line): Promise<number> {
  const step = STEP_MS[line];
  for (;;) {
    const now = clock.now();
    const turn =
      (await tryUpdate(line, "lastTurn >= :now", "lastTurn + :by", { ":now": now, ":by": step })) ??
      (await tryUpdate(line, "attribute_not_exists(lastTurn) OR lastTurn < :now", ":by", {
        ":now": now,
        ":by": now + step,
      }));
    if (turn !== undefined) return turn;
  }
}

async function tryUpdate(
  line: Line,
  condition: string,
  lastTurn: string,
  values: Record<string, number>,
): Promise<number | undefined> {
  try {
    const { Attributes } = await table.send(
      new UpdateCommand({
        TableName: tableName(),
        Key: { pk: `LINE#${line}`, sk: "LINE" },
        UpdateExpression: `SET lastTurn = ${lastTurn}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
        ReturnValues: "UPDATED_NEW",
      }),
    );
    return Number(Attributes?.lastTurn);
  } catch (error) {
    if (isConditionFailed(error)) return undefined;
    throw error;
  }
}
