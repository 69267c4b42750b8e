/**
 * For tests: the management API of sockets, in memory. Sets the environment, so call it before the first message:
 * `const sockets = await startTestSockets()` in `beforeAll`.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestSockets {
  /** Connection → messages that reached it. Only connections that are in here are open; all others are gone. */
  readonly open: Map<string, unknown[]>;
  /** Connections that never take a message. */
  readonly stuck: Set<string>;
  stop(): Promise<void>;
}

export async function startTestSockets(): Promise<TestSockets> {
  const open = new Map<string, unknown[]>();
  const stuck = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const connectionId = decodeURIComponent(request.url?.replace(/^.*\/@connections\//, "") ?? "");
    if (stuck.has(connectionId)) return;
    const messages = open.get(connectionId);
    if (!messages) {
      response.writeHead(410, { "x-amzn-errortype": "GoneException" }).end("{}");
      return;
    }
    messages.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI = `http://127.0.0.1:${(server.address() as AddressInfo).port}/socket`;
  return {
    open,
    stuck,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
