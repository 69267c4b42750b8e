import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { realClock, realRandom } from "./clock.ts";
import { type Cloud, createCloud } from "./cloud.ts";
import { createProcessEngine } from "./ecs/engines/process/create-process-engine.ts";
import { workerRuntime } from "./lambda/worker-runtime.ts";
import type { Clock } from "./service.ts";
import type { TemplateResource } from "./template/load-template.ts";
import { temporaryFolder, testContext, until } from "./test-context.ts";

const sdk = (name: string): string =>
  JSON.stringify(pathToFileURL(createRequire(import.meta.url).resolve(`@aws-sdk/client-${name}`)).href);

const code = temporaryFolder();
mkdirSync(join(code, "function"));
writeFileSync(
  join(code, "function", "index.mjs"),
  `import dynamodb from ${sdk("dynamodb")};
  import sqs from ${sdk("sqs")};
  import eventbridge from ${sdk("eventbridge")};
  import ssm from ${sdk("ssm")};
  const table = new dynamodb.DynamoDBClient();
  const TableName = process.env.TABLE_NAME;
  const put = (pk) => table.send(new dynamodb.PutItemCommand({ TableName, Item: { pk: { S: pk } } }));

  export async function handler(event) {
    if (event.RequestType) return answerCloudFormation(event);
    if (event.Records) for (const { body } of event.Records) await put("queued " + body);
    if (event.source === "aws.events") await put("scheduled");
    if (event["detail-type"] === "Done") await put("heard " + event.detail.what);
    if (event.do === "all") {
      await new sqs.SQSClient().send(new sqs.SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: "job" }));
      const Entries = [{ Source: "test", DetailType: "Done", Detail: JSON.stringify({ what: "it" }), EventBusName: process.env.BUS }];
      await new eventbridge.EventBridgeClient().send(new eventbridge.PutEventsCommand({ Entries }));
      const secret = new ssm.GetParameterCommand({ Name: "/oidc/secret", WithDecryption: true });
      return { secret: (await new ssm.SSMClient().send(secret)).Parameter.Value };
    }
    if (event.do === "list") {
      const { Items } = await table.send(new dynamodb.ScanCommand({ TableName }));
      return Items.map(({ pk }) => pk.S).sort();
    }
  }

  async function answerCloudFormation(event) {
    const { RequestType, ResourceProperties: { Value, Fail }, OldResourceProperties: old } = event;
    await put([RequestType, Value, old?.Value, event.ResourceType, event.PhysicalResourceId].join(" "));
    await fetch(event.ResponseURL, { method: "PUT", body: JSON.stringify({
      Status: Fail ? "FAILED" : "SUCCESS", Reason: Fail, PhysicalResourceId: "id-" + Value, RequestId: event.RequestId,
      StackId: event.StackId, LogicalResourceId: event.LogicalResourceId, Data: { Said: "data of " + Value } }) });
  }`,
);
afterAll(() => rmSync(code, { recursive: true }));

const any = { Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
const resources: Record<string, TemplateResource> = {
  Role: {
    Type: "AWS::IAM::Role",
    Properties: { AssumeRolePolicyDocument: {}, Policies: [{ PolicyName: "p", PolicyDocument: any }] },
  },
  Table: {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    },
  },
  Queue: { Type: "AWS::SQS::Queue", Properties: {} },
  Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "own" } },
  Worker: {
    Type: "AWS::Lambda::Function",
    Properties: {
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { S3Bucket: "b", S3Key: "code.zip" },
      Role: { "Fn::GetAtt": ["Role", "Arn"] },
      Timeout: 30,
      Environment: { Variables: { TABLE_NAME: { Ref: "Table" }, QUEUE_URL: { Ref: "Queue" }, BUS: { Ref: "Bus" } } },
    },
  },
  Feed: {
    Type: "AWS::Lambda::EventSourceMapping",
    Properties: { EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] }, FunctionName: { Ref: "Worker" } },
  },
  Minute: {
    Type: "AWS::Events::Rule",
    Properties: {
      ScheduleExpression: "rate(1 minute)",
      State: "ENABLED",
      Targets: [{ Id: "t", Arn: { "Fn::GetAtt": ["Worker", "Arn"] } }],
    },
  },
  OnDone: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventBusName: { Ref: "Bus" },
      EventPattern: { source: ["test"], "detail-type": ["Done"] },
      Targets: [{ Id: "t", Arn: { "Fn::GetAtt": ["Worker", "Arn"] } }],
    },
  },
  Allow: {
    Type: "AWS::Lambda::Permission",
    Properties: { Action: "lambda:InvokeFunction", FunctionName: { Ref: "Worker" }, Principal: "events.amazonaws.com" },
  },
};
const custom = (properties: object): Record<string, TemplateResource> => ({
  Custom: { Type: "Custom::Thing", Properties: { ServiceToken: { "Fn::GetAtt": ["Worker", "Arn"] }, ...properties } },
});

const running: Cloud[] = [];
afterEach(async () => {
  for (const cloud of running.splice(0)) await cloud.stop();
});

async function start(extra: Record<string, TemplateResource> = {}, stateDirectory?: string, clock: Clock = realClock) {
  const context = testContext({ clock });
  const Outputs = extra.Custom === undefined ? {} : { Said: { Value: { "Fn::GetAtt": ["Custom", "Said"] } } };
  const cloud = await createCloud({
    synthesized: {
      stackName: "Test",
      template: { Resources: { ...resources, ...extra }, Outputs },
      assets: { code: join(code, "function") },
    },
    parameters: () => ({}),
    openIdClient: { id: "client", secretParameter: "/oidc/secret", redirectUris: () => ["http://localhost:1/back"] },
    stateDirectory,
    port: 0,
    clock,
    random: realRandom,
    log: context.log,
    runtime: workerRuntime,
    engine: ({ log, stateDirectory }, volumes) =>
      createProcessEngine({ clock, log, stateDirectory, imageFile: "/no/image.json", placeholders: {}, volumes }),
  });
  running.push(cloud);
  await cloud.start();
  const lambda = cloud.services.all.find(({ name }) => name === "lambda") as unknown as {
    invoke(name: string, payload: unknown): Promise<{ ok: boolean; payload: unknown }>;
  };
  const invoke = async (payload: object): Promise<unknown> => (await lambda.invoke("atelier-Worker", payload)).payload;
  const items = async (): Promise<string[]> => (await invoke({ do: "list" })) as string[];
  return { cloud, context, invoke, items };
}

describe("a cloud", () => {
  it("runs a template: functions reach table, queue, bus and parameters through the SDK's endpoint alone", async () => {
    const { invoke, items, context } = await start();
    expect(await invoke({ do: "all" })).toMatchObject({ secret: expect.stringMatching(/^.{43}$/) });
    await expect.poll(items, { timeout: 10_000 }).toEqual(["heard it", "queued job", "scheduled"]);
    expect(context.complaints().filter((message) => !message.startsWith("Workspaces run as"))).toEqual([]);
  });

  it("creates a custom resource once, updates it when its properties change, and deletes it with the template", async () => {
    const folder = temporaryFolder();
    const run = async (extra: Record<string, TemplateResource>) => {
      const { cloud, items } = await start(extra, folder);
      const result = {
        said: cloud.stack?.outputs.Said,
        events: (await items()).filter((item) => item.includes("Custom::")),
      };
      await running.pop()?.stop();
      return result;
    };
    const created = "Create 1  Custom::Thing ";
    const updated = ["Delete 1  Custom::Thing id-1", "Update 2 1 Custom::Thing id-1"];
    expect(await run(custom({ Value: 1 }))).toEqual({ said: "data of 1", events: [created] });
    expect(await run(custom({ Value: 1 }))).toEqual({ said: "data of 1", events: [created] });
    expect(await run(custom({ Value: 2 }))).toEqual({ said: "data of 2", events: [created, ...updated] });
    expect(await run({})).toEqual({
      said: undefined,
      events: [created, ...updated, "Delete 2  Custom::Thing id-2"].toSorted(),
    });
    rmSync(folder, { recursive: true });
  });

  it("says why a custom resource failed, and is stopped then", async () => {
    const failing = start(custom({ Value: 1, Fail: "there is no room" }));
    await expect(failing).rejects.toThrow("Custom (Custom::Thing): there is no room");
    expect(await listening(running[0])).toBe(false);
  });

  it("answers at its address until it is stopped, and leaves no timer of its clock then", async () => {
    const timers = new Set<number>();
    let set = 0;
    const counting: Clock = {
      now: realClock.now,
      setTimeout(callback, ms) {
        const id = set++;
        timers.add(id);
        const timer = realClock.setTimeout(() => {
          timers.delete(id);
          callback();
        }, ms);
        return {
          cancel() {
            timers.delete(id);
            timer.cancel();
          },
        };
      },
    };
    const { cloud, items } = await start({}, undefined, counting);
    await items();
    expect(await listening(cloud)).toBe(true);
    expect(timers.size).toBeGreaterThan(0);
    const { endpoint } = cloud.services;
    await cloud.stop();
    expect(await listening(cloud)).toBe(false);
    await expect(fetch(endpoint.url)).rejects.toThrow();
    await until("no timer is left", () => timers.size === 0);
  });

  it("refuses a template with what is not modelled, by logical id", async () => {
    const refused = start({
      Store: { Type: "AWS::Redshift::Cluster" },
      Odd: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
    });
    await expect(refused).rejects.toThrow(/Store: AWS::Redshift::Cluster.*\n.*Odd: FifoQueue of AWS::SQS::Queue/);
  });
});

/** Whether the front door takes connections. */
async function listening(cloud: Cloud | undefined): Promise<boolean> {
  return fetch(`http://127.0.0.1:${cloud?.port}/`).then(
    () => true,
    () => false,
  );
}
