/** Two distributions behind a front door: one with policies, one with a function that chooses the origin. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { realClock, realRandom } from "#local/clock.ts";
import { createFrontDoor, type FrontDoor } from "#local/front-door/create-front-door.ts";
import type { ServiceContext } from "#local/service.ts";
import { type CloudFront, createCloudFront } from "./create-cloudfront.ts";
import { createKeyValueStores } from "./create-key-value-stores.ts";

const CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3";
const ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
const EDGE = `import cf from 'cloudfront';
async function handler(event) {
  const request = event.request;
  if (request.uri === '/deny') return { statusCode: 401, statusDescription: 'Unauthorized', headers: { 'content-type': { value: 'text/plain' } },
    cookies: { a: { value: '1', attributes: 'HttpOnly' } }, body: 'no' };
  if (request.uri === '/throw') throw new Error('secret detail');
  delete request.cookies.route;
  delete request.headers['x-forwarded-for'];
  request.headers['x-route'] = { value: await cf.kvs().get('k') };
  cf.updateRequestOrigin({ domainName: request.uri === '/gone' ? 'gone.task' : 'task-1.compute', customOriginConfig: { port: 22999, protocol: 'http' } });
  return request;
}`;

export const rig = {} as {
  /** What the API and the task of the test both are. */
  origin: Server;
  cloudFront: CloudFront;
  door: FrontDoor;
  respond: (request: IncomingMessage, response: ServerResponse) => void;
  /** The last upgrade that reached the origin. */
  upgraded: IncomingMessage | undefined;
};

const context: ServiceContext = {
  clock: realClock,
  random: realRandom,
  log: { info() {}, warn() {}, error() {} },
  stateDirectory: undefined,
  region: "us-east-1",
  accountId: "111122223333",
};

export async function startRig(): Promise<void> {
  rig.origin = createServer((incoming, response) => rig.respond(incoming, response));
  const sockets = new WebSocketServer({ server: rig.origin });
  sockets.on("connection", (socket, incoming) => {
    rig.upgraded = incoming;
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => rig.origin.listen(0, "127.0.0.1", resolve));
  const address = { host: "127.0.0.1", port: (rig.origin.address() as AddressInfo).port };
  const keyValueStores = createKeyValueStores(context);
  const store = await keyValueStores.resources["AWS::CloudFront::KeyValueStore"]?.deploy("Store", { Name: "s" });
  const storeArn = String(store?.attributes?.Arn);
  await keyValueStores.api?.handle({
    service: "cloudfront-keyvaluestore",
    method: "PUT",
    path: `/key-value-stores/${encodeURIComponent(storeArn)}/keys/k`,
    query: new URLSearchParams(),
    headers: { "if-match": "KV000000000001" },
    body: Buffer.from('{"Value":"from-store"}'),
  });
  rig.cloudFront = createCloudFront(context, {
    keyValueStores,
    origins: [{ resolveOrigin: (name) => (name === "api.example" ? address : undefined) }],
    addresses: {
      resolve: (name, port) => {
        if (name === "gone.task") return { host: "127.0.0.1", port: 1 };
        return name === "task-1.compute" && port === 22_999 ? address : undefined;
      },
    },
  });
  const deploy = async (type: string, id: string, properties: Record<string, unknown>) =>
    String((await rig.cloudFront.resources[`AWS::CloudFront::${type}`]?.deploy(id, properties))?.ref);
  const functionArn = await deploy("Function", "Edge", {
    Name: "edge",
    FunctionCode: EDGE,
    FunctionConfig: {
      Comment: "",
      Runtime: "cloudfront-js-2.0",
      KeyValueStoreAssociations: [{ KeyValueStoreARN: storeArn }],
    },
  });
  const policy = await deploy("ResponseHeadersPolicy", "Headers", {
    ResponseHeadersPolicyConfig: {
      Name: "h",
      SecurityHeadersConfig: {
        FrameOptions: { FrameOption: "DENY", Override: true },
        ContentTypeOptions: { Override: true },
      },
    },
  });
  const api = {
    Id: "api",
    DomainName: "api.example",
    OriginPath: "/v1",
    CustomOriginConfig: { OriginProtocolPolicy: "https-only" },
  };
  await deploy("Distribution", "Dashboard", {
    DistributionConfig: {
      Enabled: true,
      Aliases: ["localhost"],
      DefaultRootObject: "index.html",
      Origins: [api],
      CacheBehaviors: [
        {
          PathPattern: "/rpc",
          TargetOriginId: "api",
          AllowedMethods: METHODS,
          CachePolicyId: CACHING_DISABLED,
          OriginRequestPolicyId: ALL_VIEWER_EXCEPT_HOST,
          ViewerProtocolPolicy: "allow-all",
        },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: "api",
        CachePolicyId: CACHING_OPTIMIZED,
        Compress: true,
        ResponseHeadersPolicyId: policy,
        ViewerProtocolPolicy: "allow-all",
      },
      CustomErrorResponses: [{ ErrorCode: 403, ResponseCode: 200, ResponsePagePath: "/index.html" }],
    },
  });
  await deploy("Distribution", "Workspaces", {
    DistributionConfig: {
      Enabled: true,
      Aliases: ["*.ws.localhost"],
      Origins: [
        { Id: "nowhere", DomainName: "nowhere.invalid", CustomOriginConfig: { OriginProtocolPolicy: "http-only" } },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: "nowhere",
        AllowedMethods: METHODS,
        CachePolicyId: CACHING_DISABLED,
        OriginRequestPolicyId: ALL_VIEWER,
        ViewerProtocolPolicy: "allow-all",
        FunctionAssociations: [{ EventType: "viewer-request", FunctionARN: functionArn }],
      },
    },
  });
  rig.door = createFrontDoor(context, { port: 0, find: (name) => rig.cloudFront.find(name) });
  await rig.door.start();
}

export async function stopRig(): Promise<void> {
  await rig.door.stop();
  await rig.cloudFront.stop?.();
  rig.origin.closeAllConnections();
  await new Promise((resolve) => rig.origin.close(resolve));
}

interface Sent {
  host?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}
export async function send(path: string, { host = "localhost", method = "GET", headers = {}, body }: Sent = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { host: `${host}:${rig.door.port}`, ...headers };
    request({ host: "127.0.0.1", port: rig.door.port, path, method, headers: all, agent: false }, resolve)
      .on("error", reject)
      .end(body);
  });
  return { status: response.statusCode, headers: response.headers, response };
}
export const workspace = "a.ws.localhost";
