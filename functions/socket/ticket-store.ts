/** One-use tickets: what a URL may carry in place of a session. The table knows only their hashes. */
import { createHash } from "node:crypto";
import { DeleteCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { clock, toSeconds } from "#functions/runtime/clock.ts";
import { isConditionFailed, table, tableName } from "#functions/runtime/table.ts";

/** The longest that a ticket may be good for. */
export const TICKET_LIFETIME_MS = 60_000;

export interface TicketFields {
  /** What it opens; it opens nothing else. */
  kind: "socket" | "enter";
  userId: string;
  sessionId: string;
  name?: string;
  email?: string;
  workspaceId?: string;
  instanceId?: string;
  /** The `Host` that it is good for. */
  host?: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Remembers a ticket. @param ticket its text, of at least 128 random bits */
export async function issueTicket(ticket: string, fields: TicketFields): Promise<void> {
  await table.send(
    new PutCommand({
      TableName: tableName(),
      // An hour more than it is good for: expiry is checked at redeeming, TTL only tidies up.
      Item: { ...keyOf(ticket), ...fields, ttl: toSeconds(fields.expiresAt) + 3_600 },
      ConditionExpression: "attribute_not_exists(pk)",
    }),
  );
}

/**
 * Takes a ticket, so that nobody can take it again, not even at the same moment.
 * @param kind when given, a ticket of another kind is left as it is
 * @returns what it stands for; `undefined` when it is unknown, used, too old, or of another kind
 */
export async function redeemTicketRow(ticket: string, kind?: TicketFields["kind"]): Promise<TicketFields | undefined> {
  try {
    const { Attributes } = await table.send(
      new DeleteCommand({
        TableName: tableName(),
        Key: keyOf(ticket),
        ConditionExpression: `expiresAt > :now${kind ? " AND #kind = :kind" : ""}`,
        ...(kind ? { ExpressionAttributeNames: { "#kind": "kind" } } : {}),
        ExpressionAttributeValues: { ":now": clock.now(), ...(kind ? { ":kind": kind } : {}) },
        ReturnValues: "ALL_OLD",
      }),
    );
    if (!Attributes) return undefined;
    const { pk: _pk, sk: _sk, ttl: _ttl, ...fields } = Attributes;
    return fields as unknown as TicketFields;
  } catch (error) {
    if (isConditionFailed(error)) return undefined;
    throw error;
  }
}

function keyOf(ticket: string): { pk: string; sk: string } {
  return { pk: `TICKET#${createHash("sha256").update(ticket).digest("hex")}`, sk: "TICKET" };
}
