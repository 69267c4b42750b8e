/** API Gateway v2: HTTP and WebSocket APIs with Lambda proxy integrations, reached through CloudFront on a unix socket. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { OriginDirectory } from "#local/cloudfront/origin-directory.ts";
import type { Disposition, FunctionInvoker, ResourceProvider, Service, ServiceContext } from "#local/service.ts";
import { makeSocketFolder } from "#local/socket-folder.ts";
import type { Api, Integration } from "./api-state.ts";
import { handleConnectionsApi } from "./handle-connections-api.ts";
import type { HttpRequest } from "./http-event.ts";
import type { HttpAnswer } from "./http-response.ts";
import { answerHttpRequest, serveHttpRequest } from "./serve-http-api.ts";
import { createSocketApis, type OpenedSocket, type SocketRequest } from "./serve-socket-api.ts";
import type { ClientSocket } from "./socket-connection.ts";

export interface ApiGateway extends Service, OriginDirectory {
  /** One request to the API of this domain name, without a network. @returns `undefined` when there is none */
  request(
    domainName: string,
    request: Omit<HttpRequest, "query"> & { query?: string },
  ): Promise<HttpAnswer | undefined>;
  /** One handshake with the WebSocket API of this domain name. @returns the status of a refusal */
  connect(domainName: string, request: SocketRequest, socket: ClientSocket): Promise<number | OpenedSocket>;
  /** Domain names by protocol. */
  domainNames(protocol: Api["protocol"]): string[];
}

/** Longest times of an integration. */
const MAX_HTTP_MS = 30_000;
const MAX_SOCKET_MS = 29_000;

export function createApiGateway(
  context: ServiceContext,
  dependencies: { readonly functions: FunctionInvoker },
): ApiGateway {
  const apis = new Map<string, Api>();
  const integrations = new Map<string, Integration>();
  const sockets = createSocketApis(context, dependencies.functions);
  const open = new Set<Socket>();
  let folder: string | undefined;
  let server: Server | undefined;

  function apiOf(properties: Readonly<Record<string, unknown>>): Api {
    const api = apis.get(String(properties.ApiId));
    if (!api) throw new Error(`ApiId: there is no API ${String(properties.ApiId)}.`);
    return api;
  }

  const resources: Record<string, ResourceProvider> = {
    "AWS::ApiGatewayV2::Api": {
      properties: {
        ProtocolType: "executed",
        RouteSelectionExpression: "executed",
        Name: { inert: "A name for people." },
        Description: { inert: "A comment." },
        IpAddressType: { inert: "CloudFront is the only client." },
        Tags: TAGS,
      },
      async deploy(logicalId, properties) {
        const protocol = properties.ProtocolType;
        if (protocol !== "HTTP" && protocol !== "WEBSOCKET")
          throw new Error(`ProtocolType ${String(protocol)} is not modelled.`);
        const id = shortId(context, logicalId);
        const domainName = `${id}.execute-api.${context.region}.amazonaws.com`;
        const selection = protocol === "HTTP" ? [] : readSelection(properties.RouteSelectionExpression);
        apis.set(id, { id, protocol, domainName, selection, routes: new Map(), stages: new Set() });
        const scheme = protocol === "HTTP" ? "https" : "wss";
        return { ref: id, attributes: { ApiId: id, ApiEndpoint: `${scheme}://${domainName}` } };
      },
    },
    "AWS::ApiGatewayV2::Integration": {
      properties: {
        ApiId: "executed",
        IntegrationType: "executed",
        IntegrationUri: "executed",
        PayloadFormatVersion: "executed",
        TimeoutInMillis: "executed",
        ConnectionType: { inert: "Functions are reached in one way here." },
        Description: { inert: "A comment." },
        IntegrationMethod: { inert: "Functions are always invoked by POST." },
      },
      async deploy(logicalId, properties) {
        const api = apiOf(properties);
        if (properties.IntegrationType !== "AWS_PROXY")
          throw new Error(`IntegrationType ${String(properties.IntegrationType)} is not modelled.`);
        if (api.protocol === "HTTP" && properties.PayloadFormatVersion !== "2.0")
          throw new Error("PayloadFormatVersion: only 2.0 is modelled.");
        const functionArn = /arn:[^:]+:lambda:[^:]+:\d+:function:[^/]+/.exec(String(properties.IntegrationUri))?.[0];
        if (!functionArn) throw new Error(`IntegrationUri ${String(properties.IntegrationUri)} names no function.`);
        const max = api.protocol === "HTTP" ? MAX_HTTP_MS : MAX_SOCKET_MS;
        const timeoutMs = Math.min(Number(properties.TimeoutInMillis ?? max), max);
        const id = shortId(context, logicalId);
        integrations.set(id, { functionArn, timeoutMs });
        return { ref: id, attributes: { IntegrationId: id } };
      },
    },
    "AWS::ApiGatewayV2::Route": {
      properties: {
        ApiId: "executed",
        RouteKey: "executed",
        Target: "executed",
        AuthorizationType: "executed",
        RouteResponseSelectionExpression: "executed",
        OperationName: { inert: "A name for people." },
      },
      async deploy(logicalId, properties) {
        const api = apiOf(properties);
        const authorization = properties.AuthorizationType ?? "NONE";
        if (authorization !== "NONE") throw new Error(`AuthorizationType ${String(authorization)} is not modelled.`);
        const integration = integrations.get(String(properties.Target).replace(/^integrations\//, ""));
        if (!integration) throw new Error(`Target ${String(properties.Target)} is no integration.`);
        const routeKey = String(properties.RouteKey);
        const isPath = /^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S*$/.test(routeKey);
        if (api.protocol === "HTTP" && routeKey !== "$default" && !isPath)
          throw new Error(`RouteKey ${routeKey} is not a method and a path.`);
        api.routes.set(routeKey, {
          routeKey,
          integration,
          answers: properties.RouteResponseSelectionExpression !== undefined,
        });
        const id = shortId(context, logicalId);
        return { ref: id, attributes: { RouteId: id } };
      },
    },
    "AWS::ApiGatewayV2::RouteResponse": {
      properties: { ApiId: "executed", RouteId: "executed", RouteResponseKey: "executed" },
      deploy: async (logicalId) => ({ ref: shortId(context, logicalId) }),
    },
    "AWS::ApiGatewayV2::Stage": {
      properties: {
        ApiId: "executed",
        StageName: "executed",
        AutoDeploy: { inert: "What the template says is live at once." },
        DeploymentId: { inert: "What the template says is live at once." },
        AccessLogSettings: { inert: "The log of the functions says it." },
        DefaultRouteSettings: { inert: "Nothing is throttled or measured here." },
        Description: { inert: "A comment." },
        Tags: TAGS,
      },
      async deploy(_logicalId, properties) {
        const name = String(properties.StageName);
        apiOf(properties).stages.add(name);
        return { ref: name };
      },
    },
    "AWS::ApiGatewayV2::Deployment": {
      properties: {
        ApiId: { inert: "What the template says is live at once." },
        StageName: { inert: "What the template says is live at once." },
        Description: { inert: "A comment." },
      },
      async deploy(logicalId) {
        const id = shortId(context, logicalId);
        return { ref: id, attributes: { DeploymentId: id } };
      },
    },
  };

  /** On AWS a `Host` that is no API's own name is answered 403 by whatever API Gateway stands there. */
  const apiFor = (request: IncomingMessage, protocol: Api["protocol"]): Api | undefined =>
    apiNamed((request.headers.host ?? "").toLowerCase(), protocol);
  const apiNamed = (name: string, protocol: Api["protocol"]): Api | undefined =>
    [...apis.values()].find((api) => api.domainName === name && api.protocol === protocol);

  return {
    name: "apigateway",
    resources,
    api: { signingName: "execute-api", handle: (request) => handleConnectionsApi(request, sockets.find) },
    permissions({ method, path }) {
      const [, apiId = "*", stage = "*", , connectionId = "*"] = path.split("/").map(decodeURIComponent);
      const place = `arn:aws:execute-api:${context.region}:${context.accountId}:${apiId}/${stage}`;
      return [{ action: "execute-api:ManageConnections", resource: `${place}/${method}/@connections/${connectionId}` }];
    },
    resolveOrigin(domainName) {
      if (folder === undefined || ![...apis.values()].some((api) => api.domainName === domainName)) return undefined;
      return { socketPath: join(folder, "api") };
    },
    async request(domainName, { body, query = "", ...request }) {
      const api = apiNamed(domainName, "HTTP");
      const incoming = { ...request, query, readBody: async () => body };
      return api && answerHttpRequest(context, dependencies.functions, api, incoming);
    },
    async connect(domainName, request, socket) {
      const api = apiNamed(domainName, "WEBSOCKET");
      return api ? sockets.open(api, request, socket) : 403;
    },
    domainNames: (protocol) =>
      [...apis.values()].filter((api) => api.protocol === protocol).map(({ domainName }) => domainName),
    async start() {
      if (context.listens === false) return;
      const directory = await makeSocketFolder(context.stateDirectory);
      server = createServer({ requestTimeout: 0 }, (request, response) => {
        const api = apiFor(request, "HTTP");
        if (!api) {
          request.resume();
          response.writeHead(403, { "content-type": "application/json" }).end('{"message":"Forbidden"}');
          return;
        }
        serveHttpRequest(context, dependencies.functions, api, request, response).catch((error) => {
          context.log.error("a request could not be handled", { api: api.id, error: String(error) });
          response.destroy();
        });
      });
      server.on("upgrade", (request, socket, head) => {
        const api = apiFor(request, "WEBSOCKET");
        if (api) sockets.handleUpgrade(api, request, socket, head);
        else socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      });
      server.on("connection", (socket) => {
        open.add(socket);
        socket.on("close", () => open.delete(socket));
      });
      await new Promise<void>((resolve, reject) => {
        server?.once("error", reject).listen(join(directory, "api"), resolve);
      });
      folder = directory;
    },
    async stop() {
      sockets.stop();
      // Upgrades that still wait for $connect are no longer the HTTP server's.
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
      if (folder) await rm(folder, { recursive: true, force: true });
      folder = undefined;
    },
  };
}

const TAGS: Disposition = { inert: "Tags have no effect here." };

/** Ten letters and digits, derived from the logical id, so that nothing needs to be stored. */
function shortId(context: ServiceContext, logicalId: string): string {
  const hash = createHash("sha256").update(`${context.accountId}/${context.region}/${logicalId}`).digest("hex");
  return BigInt(`0x${hash.slice(0, 24)}`)
    .toString(36)
    .padStart(10, "0")
    .slice(0, 10);
}

function readSelection(expression: unknown): string[] {
  const path = /^\$request\.body\.([\w.]+)$/.exec(String(expression))?.[1];
  if (!path) throw new Error(`RouteSelectionExpression ${String(expression)} is not modelled.`);
  return path.split(".");
}
