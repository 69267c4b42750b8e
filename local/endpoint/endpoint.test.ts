import { afterEach, describe, expect, it } from "vitest";
import { createIam } from "../iam/create-iam.ts";
import type { Service } from "../service.ts";
import { testContext } from "../test-context.ts";
import { createAccessKeys } from "./access-keys.ts";
import { ApiError } from "./api-error.ts";
import { createEndpoint } from "./create-endpoint.ts";
import { readSignatureScope } from "./read-signature.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen() {
  const context = testContext();
  const keys = createAccessKeys(context.random);
  const iam = createIam(context);
  const role = await iam.resources["AWS::IAM::Role"]?.deploy("Role", {
    Policies: [{ PolicyDocument: { Statement: { Effect: "Allow", Action: "sqs:SendMessage", Resource: "arn:mine" } } }],
  });
  const endpoint = createEndpoint({ log: context.log, keys, check: iam.check });
  const service: Service = {
    name: "sqs",
    resources: {},
    api: {
      signingName: "sqs",
      async handle(request) {
        if (request.path === "/broken") throw new Error("oh");
        if (request.path === "/refused") throw new ApiError("NoSuchThing", "no", 404);
        return {
          status: 200,
          headers: {},
          body: `${request.service} ${request.path} ${request.query.get("a")} ${request.body}`,
        };
      },
    },
    permissions: (request) => [{ action: "sqs:SendMessage", resource: `arn:${request.query.get("a")}` }],
  };
  endpoint.serve(service);
  await endpoint.listen();
  closing.push(endpoint.close);
  const { accessKeyId } = keys.issue({ name: "sender", logicalId: "Sender", roleArn: String(role?.attributes?.Arn) });
  const send = (path: string, authorization = signed(accessKeyId, "sqs")) =>
    fetch(endpoint.url + path, { method: "POST", body: "body", headers: { authorization } });
  return { context, send, accessKeyId };
}

const signed = (key: string, service: string): string =>
  `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

describe("the endpoint", () => {
  it("gives a request to the service of its signature's scope", async () => {
    const { send, context } = await listen();
    const response = await send("/path?a=mine");
    expect(await response.text()).toBe("sqs /path mine body");
    expect(context.complaints()).toEqual([]);
  });

  it("says once in the log which function lacks which grant, and lets the call through", async () => {
    const { send, context } = await listen();
    for (let time = 0; time < 2; time++) expect((await send("/path?a=other")).status).toBe(200);
    expect(context.lines).toMatchObject([
      {
        level: "error",
        fields: { function: "sender", action: "sqs:SendMessage", resource: "arn:other", logicalId: "Sender" },
      },
    ]);
  });

  it("refuses who is not known, and whose request is not signed", async () => {
    const { send } = await listen();
    for (const authorization of [signed("AKIAGUESSED", "sqs"), "", "Bearer x"]) {
      expect((await send("/path?a=mine", authorization)).status).toBe(403);
    }
  });

  it("says so when a service is not modelled, refuses, or fails", async () => {
    const { send, accessKeyId, context } = await listen();
    const missing = await send("/?a=mine", signed(accessKeyId, "glacier"));
    expect([missing.status, await missing.json()]).toMatchObject([404, { __type: "UnknownServiceException" }]);
    const refused = await send("/refused?a=mine");
    expect([refused.status, await refused.json()]).toEqual([404, { __type: "NoSuchThing", message: "no" }]);
    expect((await send("/broken?a=mine")).status).toBe(500);
    expect(context.complaints()).toEqual([expect.stringContaining("glacier"), "sqs failed"]);
  });
});

describe("a signature's scope", () => {
  const none = new URLSearchParams();
  it("is read from SigV4, SigV4A and presigned URLs", () => {
    expect(readSignatureScope(signed("K", "s3"), none)).toEqual({
      accessKeyId: "K",
      region: "us-east-1",
      service: "s3",
    });
    const asymmetric =
      "AWS4-ECDSA-P256-SHA256 Credential=K/20260101/cloudfront-keyvaluestore/aws4_request, SignedHeaders=host";
    expect(readSignatureScope(asymmetric, none)).toMatchObject({
      region: undefined,
      service: "cloudfront-keyvaluestore",
    });
    const query = new URLSearchParams({ "X-Amz-Credential": "K/20260101/eu-west-1/s3/aws4_request" });
    expect(readSignatureScope(undefined, query)).toMatchObject({ region: "eu-west-1", service: "s3" });
  });

  it.each([
    "AWS4-HMAC-SHA256 Credential=K",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f/aws4_request",
    "Basic Credential=K/1/r/s/aws4_request",
  ])("is not there in %j", (header) => {
    expect(readSignatureScope(header, none)).toBeUndefined();
  });
});
