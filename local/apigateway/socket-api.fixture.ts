/** A WebSocket API whose functions are plain objects, and an endpoint for the SDK's client. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { WebSocket } from "ws";
import { HeldClock, realRandom } from "#local/clock.ts";
import type { ApiRequest, InvokeResult } from "#local/service.ts";
import { type ApiGateway, createApiGateway } from "./create-apigateway.ts";

export type Event = Record<string, unknown> & { requestContext: Record<string, unknown> & { connectionId: string } };

export const rig = {} as {
  gateway: ApiGateway;
  clock: HeldClock;
  endpoint: Server;
  client: ApiGatewayManagementApiClient;
  apiId: string;
  /** By function name. */
  handlers: Record<string, (event: Event) => unknown>;
  /** What each function was given. */
  seen: Record<string, Event[]>;
  /** The last request of the SDK's client. */
  last: ApiRequest;
};

export async function startRig(): Promise<void> {
  rig.clock = new HeldClock();
  rig.seen = {};
  rig.handlers = { connect: () => ({ statusCode: 200 }), default: () => ({ statusCode: 200, body: "ignored" }) };
  const log = { info() {}, warn() {}, error() {} };
  rig.gateway = createApiGateway(
    {
      clock: rig.clock,
      random: realRandom,
      log,
      stateDirectory: undefined,
      region: "us-east-1",
      accountId: "111122223333",
    },
    {
      functions: {
        async invoke(functionArn, payload): Promise<InvokeResult> {
          const name = functionArn.split(":").at(-1) as string;
          const event = JSON.parse(JSON.stringify(payload)) as Event;
          const list = rig.seen[name] ?? [];
          rig.seen[name] = list;
          list.push(event);
          const result = await rig.handlers[name]?.(event);
          return result instanceof Error
            ? { ok: false, error: { errorType: "Error", errorMessage: result.message } }
            : { ok: true, payload: result };
        },
        invokeAsync() {},
      },
    },
  );
  const deploy = async (type: string, id: string, properties: object) =>
    String(
      (await rig.gateway.resources[`AWS::ApiGatewayV2::${type}`]?.deploy(id, properties as Record<string, unknown>))
        ?.ref,
    );
  rig.apiId = await deploy("Api", "SocketApi", {
    ProtocolType: "WEBSOCKET",
    RouteSelectionExpression: "$request.body.method",
  });
  for (const [RouteKey, name, more] of [
    ["$connect", "connect", {}],
    ["$default", "default", {}],
    ["$disconnect", "disconnect", {}],
    ["echo", "echo", { RouteResponseSelectionExpression: "$default" }],
  ] as const) {
    const integration = await deploy("Integration", name, {
      ApiId: rig.apiId,
      IntegrationType: "AWS_PROXY",
      IntegrationUri: `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:${name}/invocations`,
    });
    await deploy("Route", RouteKey, { ApiId: rig.apiId, RouteKey, Target: `integrations/${integration}`, ...more });
  }
  await deploy("Stage", "Stage", { ApiId: rig.apiId, StageName: "socket", AutoDeploy: true });
  await rig.gateway.start?.();
  rig.endpoint = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = incoming.headers as Record<string, string>;
    rig.last = {
      service: "execute-api",
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      query: new URLSearchParams(),
      headers,
      body: Buffer.concat(chunks),
    };
    const answer = await rig.gateway.api?.handle(rig.last);
    response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
  });
  await new Promise<void>((resolve) => rig.endpoint.listen(0, "127.0.0.1", resolve));
  rig.client = new ApiGatewayManagementApiClient({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${(rig.endpoint.address() as AddressInfo).port}/${rig.apiId}/socket`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });
}

export async function stopRig(): Promise<void> {
  rig.client.destroy();
  rig.endpoint.closeAllConnections();
  await new Promise((resolve) => rig.endpoint.close(resolve));
  await rig.gateway.stop?.();
}

export const domain = () => `${rig.apiId}.execute-api.us-east-1.amazonaws.com`;

export function open(
  path = "/socket?t=one-time-ticket",
  more: { protocols?: string[]; headers?: Record<string, string> } = {},
): WebSocket {
  const address = rig.gateway.resolveOrigin(domain()) as { socketPath: string };
  return new WebSocket(`ws+unix://${address.socketPath}:${path}`, more.protocols ?? [], {
    headers: { host: domain(), ...more.headers },
  });
}
export async function opened(socket = open()): Promise<WebSocket> {
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}
export const next = (socket: WebSocket) =>
  new Promise<string>((resolve) =>
    socket.once("message", (data, isBinary) => resolve(isBinary ? `binary ${String(data)}` : String(data))),
  );
export const end = (socket: WebSocket) =>
  new Promise<[number, string]>((resolve) => socket.once("close", (code, reason) => resolve([code, String(reason)])));
export const idOf = () => rig.seen.connect?.at(-1)?.requestContext.connectionId as string;
export const post = (Data: string | Uint8Array, ConnectionId = idOf()) =>
  rig.client.send(new PostToConnectionCommand({ ConnectionId, Data }));
export const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shape)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort()
            .map(([key, one]) => [key, shape(one)]),
        )
      : typeof value;
export function recorded(name: string): unknown {
  const event = JSON.parse(readFileSync(new URL(`./recorded-socket-${name}.json`, import.meta.url), "utf8")) as Event;
  const { authorizer: _none, ...requestContext } = event.requestContext;
  return shape({ ...event, requestContext });
}
