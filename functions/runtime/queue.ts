/** The launch queue: who writes a fact that the driver should act on sends the workspace's id there. */
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { env } from "./config.ts";

const client = new SQSClient({});

/** What the driver is sent. */
export interface DriveMessage {
  workspaceId: string;
}

/** SQS's longest delay: 15 minutes. */
const MAX_DELAY_SECONDS = 900;

/**
 * Asks the driver to look at a workspace, now or in `delaySeconds` (0–900; more is cut to 900, and the driver asks again).
 * It may look more often than it was asked to.
 */
export async function askDriver(workspaceId: string, delaySeconds = 0): Promise<void> {
  const message: DriveMessage = { workspaceId };
  await client.send(
    new SendMessageCommand({
      QueueUrl: env("QUEUE_URL"),
      MessageBody: JSON.stringify(message),
      DelaySeconds: Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delaySeconds))),
    }),
  );
}
