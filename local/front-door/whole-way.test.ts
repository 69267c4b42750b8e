/** Front door, distribution, bucket and both APIs together, as a browser meets them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createApiGateway } from "#local/apigateway/create-apigateway.ts";
import { realClock, realRandom } from "#local/clock.ts";
import { createCloudFront } from "#local/cloudfront/create-cloudfront.ts";
import { createKeyValueStores } from "#local/cloudfront/create-key-value-stores.ts";
import { createS3 } from "#local/s3/create-s3.ts";
import type { InvokeResult, Service, ServiceContext } from "#local/service.ts";
import { createFrontDoor, type FrontDoor } from "./create-front-door.ts";

const context: ServiceContext = {
  clock: realClock,
  random: realRandom,
  log: { info() {}, warn() {}, error() {} },
  stateDirectory: undefined,
  region: "us-east-1",
  accountId: "111122223333",
};
const ids: string[] = [];
const s3 = createS3(context);
const gateway = createApiGateway(context, {
  functions: {
    async invoke(_arn, payload): Promise<InvokeResult> {
      const { requestContext, body } = payload as {
        requestContext: { eventType?: string; connectionId: string };
        body?: string;
      };
      if (requestContext.eventType === "CONNECT") ids.push(requestContext.connectionId);
      return { ok: true, payload: { statusCode: 200, body: `answer to ${body}` } };
    },
    invokeAsync() {},
  },
});
const keyValueStores = createKeyValueStores(context);
const addresses = { resolve: () => undefined };
const cloudFront = createCloudFront(context, { keyValueStores, origins: [s3, gateway], addresses });
let door: FrontDoor;
let socketApi: string;

async function deploy(service: Service, type: string, id: string, properties: Record<string, unknown>) {
  const made = await service.resources[`AWS::${type}`]?.deploy(id, properties);
  if (!made) throw new Error(type);
  return made;
}

beforeAll(async () => {
  const bucket = await deploy(s3, "S3::Bucket", "Site", {});
  const apis: string[] = [];
  for (const [protocol, key, stage] of [
    ["HTTP", "POST /rpc", "$default"],
    ["WEBSOCKET", "$connect", "socket"],
  ] as const) {
    const api = await deploy(gateway, "ApiGatewayV2::Api", protocol, {
      ProtocolType: protocol,
      RouteSelectionExpression: "$request.body.method",
    });
    const integration = await deploy(gateway, "ApiGatewayV2::Integration", `${protocol}I`, {
      ApiId: api.ref,
      IntegrationType: "AWS_PROXY",
      PayloadFormatVersion: "2.0",
      IntegrationUri: "arn:aws:lambda:us-east-1:111122223333:function:f",
    });
    await deploy(gateway, "ApiGatewayV2::Route", `${protocol}R`, {
      ApiId: api.ref,
      RouteKey: key,
      Target: `integrations/${integration.ref}`,
    });
    await deploy(gateway, "ApiGatewayV2::Stage", `${protocol}S`, { ApiId: api.ref, StageName: stage });
    apis.push(api.ref);
  }
  socketApi = String(apis[1]);
  const origin = (Id: string, api: string | undefined) => ({
    Id,
    DomainName: `${api}.execute-api.us-east-1.amazonaws.com`,
    CustomOriginConfig: { OriginProtocolPolicy: "https-only" },
  });
  const behavior = (PathPattern: string, TargetOriginId: string) => ({
    PathPattern,
    TargetOriginId,
    AllowedMethods: ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
    CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    OriginRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
  });
  const distribution = await deploy(cloudFront, "CloudFront::Distribution", "Dashboard", {
    DistributionConfig: {
      Enabled: true,
      Aliases: ["localhost"],
      DefaultRootObject: "index.html",
      Origins: [
        {
          Id: "s3",
          DomainName: bucket.attributes?.RegionalDomainName,
          S3OriginConfig: {},
          OriginAccessControlId: "oac",
        },
        origin("http", apis[0]),
        origin("socket", apis[1]),
      ],
      CacheBehaviors: [behavior("/rpc", "http"), behavior("/socket", "socket")],
      DefaultCacheBehavior: { TargetOriginId: "s3", CachePolicyId: "658327ea-f89d-4fab-a63d-7e88639e58f6" },
    },
  });
  await deploy(s3, "S3::BucketPolicy", "Policy", {
    Bucket: bucket.ref,
    PolicyDocument: {
      Statement: [
        {
          Effect: "Allow",
          Action: "s3:GetObject",
          Principal: { Service: "cloudfront.amazonaws.com" },
          Resource: `${bucket.attributes?.Arn}/*`,
          Condition: {
            StringEquals: { "AWS:SourceArn": `arn:aws:cloudfront::111122223333:distribution/${distribution.ref}` },
          },
        },
      ],
    },
  });
  await s3.api?.handle({
    service: "s3",
    method: "PUT",
    path: `/${bucket.ref}/index.html`,
    query: new URLSearchParams(),
    headers: { "content-type": "text/html" },
    body: Buffer.from("<p>dashboard"),
  });
  for (const service of [s3, gateway, cloudFront]) await service.start?.();
  door = createFrontDoor(context, { port: 0, find: (name) => cloudFront.find(name) });
  await door.start();
});
afterAll(async () => {
  await door.stop();
  for (const service of [cloudFront, gateway, s3]) await service.stop?.();
});

it("serves the site, its 304 and its 403, and answers calls under the same name", async () => {
  const base = `http://localhost:${door.port}`;
  const page = await fetch(`${base}/`);
  expect([page.status, page.headers.get("content-type"), await page.text()]).toEqual([
    200,
    "text/html",
    "<p>dashboard",
  ]);
  const again = await fetch(`${base}/`, { headers: { "if-none-match": String(page.headers.get("etag")) } });
  expect(again.status).toBe(304);
  expect((await fetch(`${base}/none`, { headers: { "x-local-source-arn": "forged" } })).status).toBe(403);
  const call = await fetch(`${base}/rpc`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  expect(await call.text()).toBe("answer to {}");
});

it("brings every message from a function to a browser's socket, in order", async () => {
  const socket = new WebSocket(`ws://localhost:${door.port}/socket?ticket=t`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  for (let i = 0; i < 100; i += 1) {
    const received = new Promise<string>((resolve) => socket.once("message", (data) => resolve(String(data))));
    await gateway.api?.handle({
      service: "execute-api",
      method: "POST",
      path: `/${socketApi}/socket/@connections/${encodeURIComponent(String(ids.at(-1)))}`,
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.from(`{"n":${i}}`),
    });
    expect(await received).toBe(`{"n":${i}}`);
  }
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await door.stop();
  await closed;
});
