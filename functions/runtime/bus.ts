/** Atelier's event bus: facts for whoever subscribes by a rule. */
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { env } from "./config.ts";

const client = new EventBridgeClient({});

export const EVENT_SOURCE = "atelier";

/**
 * Puts one event on the bus. `detailType`: `Volume Released`.
 * @throws Error when the bus did not take it (PutEvents answers that with status 200)
 */
export async function putEvent(detailType: string, detail: Record<string, unknown>): Promise<void> {
  const answer = await client.send(
    new PutEventsCommand({
      Entries: [
        { EventBusName: env("BUS_NAME"), Source: EVENT_SOURCE, DetailType: detailType, Detail: JSON.stringify(detail) },
      ],
    }),
  );
  const refused = answer.Entries?.[0];
  if (answer.FailedEntryCount) {
    throw new Error(
      `The event "${detailType}" was not taken: ${refused?.ErrorCode ?? ""} ${refused?.ErrorMessage ?? ""}`,
    );
  }
}
