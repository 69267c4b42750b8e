/** Sends messages down the sockets of clients. */
import {
  ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { log } from "./log.ts";

// Its address is in AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, which the SDK reads itself.
const client = new ApiGatewayManagementApiClient({ maxAttempts: 1 });

/** A client that takes longer is as good as gone for this message; the digest of its next keep-alive finds what it missed. */
const TIMEOUT_MS = 3_000;

/** Never throws. `gone`: the connection has ended, and its rows may go. */
export async function postToConnection(connectionId: string, message: string): Promise<"sent" | "gone" | "failed"> {
  try {
    await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: Buffer.from(message) }), {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return "sent";
  } catch (error) {
    if (error instanceof GoneException) return "gone";
    log.warn("A message did not reach its socket.", { connectionId, error });
    return "failed";
  }
}
