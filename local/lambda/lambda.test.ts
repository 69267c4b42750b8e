import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { HeldClock, realClock } from "../clock.ts";
import { createAccessKeys } from "../endpoint/access-keys.ts";
import type { Clock, InvokeResult } from "../service.ts";
import { createSqs } from "../sqs/create-sqs.ts";
import { temporaryFolder, testContext, until } from "../test-context.ts";
import { createLambda, type Lambda } from "./create-lambda.ts";
import { workerRuntime } from "./worker-runtime.ts";

const code = temporaryFolder();
mkdirSync(join(code, "broken"));
writeFileSync(join(code, "broken", "index.mjs"), `throw new Error("cannot be loaded");`);
writeFileSync(
  join(code, "index.mjs"),
  `let calls = 0;
  const waiting = new Map();
  export const handler = async (event, context) => {
    calls += 1;
    switch (event.do) {
      case "environment": return process.env;
      case "count": return { calls, name: context.functionName, left: context.getRemainingTimeInMillis() };
      case "fail": throw new TypeError("on purpose");
      case "hang": return new Promise(() => setInterval(() => {}, 1000));
      case "exit": process.exit(3);
      case "large": return "x".repeat(event.bytes);
      case "print": console.log(JSON.stringify({ level: "warn", message: "mind this", id: 7 })); console.log("plain"); return null;
      case "sleep": await new Promise((resolve) => setTimeout(resolve, 1_000)); return calls;
      case "lookup": return (await import("node:dns/promises").then(() => import("node:dns"))).default.lookup
        && new Promise((resolve) => import("node:dns").then(({ default: dns }) => dns.lookup("1234.localhost", (error, address) => resolve(String(error ?? address)))));
    }
    for (const { body, attributes } of event.Records ?? [])
      console.log(JSON.stringify({ level: "info", message: body + " " + attributes.ApproximateReceiveCount }));
    if (event.Records) return { batchItemFailures: event.Records.filter((r) => r.body.startsWith("bad")).map((r) => ({ itemIdentifier: r.messageId })) };
    return undefined;
  };`,
);
afterAll(() => rmSync(code, { recursive: true }));

const running: Lambda[] = [];
afterEach(async () => {
  for (const lambda of running.splice(0)) await lambda.stop?.();
});

async function deploy(properties: object = {}, clock: Clock = realClock, stateDirectory?: string) {
  const context = testContext({ clock, stateDirectory });
  const sqs = createSqs(testContext({ clock }), { endpointUrl: () => "http://127.0.0.1:9" });
  const lambda = await createLambda(context, {
    assets: { good: code, broken: join(code, "broken") },
    runtime: workerRuntime,
    keys: createAccessKeys(context.random),
    endpointUrl: () => "http://127.0.0.1:9",
    resolveAccessPoint: async () => "/the/folder",
    queue: sqs.queue,
  });
  running.push(lambda);
  const make = (type: string, values: object) => lambda.resources[`AWS::Lambda::${type}`]?.deploy("Id", { ...values });
  const base = {
    FunctionName: "f",
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: { S3Key: "good.zip" },
    Timeout: 20,
  };
  await make("Function", { ...base, ...properties });
  return { lambda, sqs, context, make, invoke: (payload: object) => lambda.invoke("f", payload) };
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows what its handler answers.
function payloadOf(result: InvokeResult | undefined): any {
  if (result?.ok !== true) throw new Error(JSON.stringify(result));
  return result.payload;
}

describe("a function", () => {
  it("sees its own variables and those of Lambda, and nothing of this program's", async () => {
    process.env.LEAK_OF_THE_HOST = "1";
    const { invoke } = await deploy({
      Environment: {
        Variables: {
          OWN: "1",
          WORK: "/mnt/w/dir",
          OTHER: "/mnt/wide",
          AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "https://abc.execute-api.us-east-1.amazonaws.com/socket",
        },
      },
      FileSystemConfigs: [{ Arn: "arn", LocalMountPath: "/mnt/w" }],
    });
    const environment = payloadOf(await invoke({ do: "environment" }));
    expect(environment).toMatchObject({
      OWN: "1",
      WORK: "/the/folder/dir",
      OTHER: "/mnt/wide",
      AWS_REGION: "us-east-1",
      AWS_LAMBDA_FUNCTION_NAME: "f",
      AWS_ENDPOINT_URL: "http://127.0.0.1:9",
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "http://127.0.0.1:9/abc/socket",
    });
    expect(environment.AWS_ACCESS_KEY_ID).toMatch(/^AKIA[0-9A-F]{40}$/);
    expect(environment).not.toHaveProperty("LEAK_OF_THE_HOST");
    expect(environment).not.toHaveProperty("HOME");
  });

  it("finds names under localhost on this machine", async () => {
    const { invoke } = await deploy();
    expect(payloadOf(await invoke({ do: "lookup" }))).toBe("127.0.0.1");
  });

  it("keeps its environment from one request to the next, and gets another for a request that has waited a moment", async () => {
    const { invoke } = await deploy();
    expect(payloadOf(await invoke({ do: "count" }))).toMatchObject({ calls: 1, name: "f" });
    expect(payloadOf(await invoke({ do: "count" })).calls).toBe(2);
    const both = await Promise.all([invoke({ do: "sleep" }), invoke({ do: "sleep" })]);
    expect(both.map(payloadOf).toSorted()).toEqual([1, 3]);
  });

  it("answers an error as AWS gives it", async () => {
    const { invoke, context } = await deploy();
    const result = await invoke({ do: "fail" });
    expect(result).toMatchObject({ ok: false, error: { errorType: "TypeError", errorMessage: "on purpose" } });
    expect(context.complaints()).toEqual(["TypeError: on purpose"]);
  });

  it("is ended at its timeout, in AWS's words, and serves the next request anew", async () => {
    const { invoke } = await deploy({ Timeout: 1 });
    const result = await invoke({ do: "hang" });
    expect(result).toMatchObject({
      error: { errorMessage: expect.stringMatching(/Task timed out after 1\.00 seconds$/) },
    });
    expect(payloadOf(await invoke({ do: "count" })).calls).toBe(1);
  });

  it("that exits is an error, and is started anew", async () => {
    const { invoke } = await deploy();
    expect(await invoke({ do: "exit" })).toMatchObject({ error: { errorType: "Runtime.ExitError" } });
    expect(payloadOf(await invoke({ do: "count" })).calls).toBe(1);
  });

  it("that cannot be loaded is an error of each request", async () => {
    const { invoke } = await deploy({ Code: { S3Key: "broken.zip" } });
    expect(await invoke({})).toMatchObject({ ok: false, error: { errorMessage: "cannot be loaded" } });
  });

  it("neither takes nor gives more than 6 MB", async () => {
    const { invoke } = await deploy();
    expect(await invoke({ text: "x".repeat(6 * 1024 * 1024) })).toMatchObject({
      error: { errorType: "RequestTooLargeException" },
    });
    const answer = await invoke({ do: "large", bytes: 6 * 1024 * 1024 });
    expect(answer).toMatchObject({ error: { errorType: "Function.ResponseSizeTooLarge" } });
  });

  it("is throttled above its reserved concurrency", async () => {
    const { invoke } = await deploy({ ReservedConcurrentExecutions: 1 });
    const [first, second] = await Promise.all([invoke({ do: "sleep" }), invoke({ do: "sleep" })]);
    expect(first.ok).toBe(true);
    expect(second).toMatchObject({ error: { errorType: "TooManyRequestsException" } });
  });

  it("prints to the log under its name, JSON lines with their level and fields", async () => {
    const { invoke, context } = await deploy();
    await invoke({ do: "print" });
    await until("both lines", () => context.lines.length >= 2);
    expect(context.lines).toEqual([
      { level: "warn", message: "mind this", fields: { id: 7, function: "f" } },
      { level: "info", message: "plain", fields: { function: "f" } },
    ]);
  });

  it("of the template is refused when its code or runtime is not one that runs here", async () => {
    await expect(deploy({ Code: { S3Key: "none.zip" } })).rejects.toThrow("no none.zip");
    await expect(deploy({ Runtime: "python3.13" })).rejects.toThrow("python3.13");
  });
});

describe("an asynchronous invocation", () => {
  it("is tried again after one and two minutes, then its record goes to the failure destination", async () => {
    const clock = new HeldClock();
    const { lambda, sqs, context, make } = await deploy({}, clock);
    const dead = await sqs.resources["AWS::SQS::Queue"]?.deploy("Dead", {});
    const queue = sqs.queue(String(dead?.attributes?.Arn));
    await make("EventInvokeConfig", {
      FunctionName: "f",
      Qualifier: "$LATEST",
      DestinationConfig: { OnFailure: { Destination: dead?.attributes?.Arn } },
    });
    const failures = (): number => context.complaints().filter((message) => message === "TypeError: on purpose").length;
    lambda.invokeAsync("f", { do: "fail" });
    await until("the first attempt", () => failures() === 1 && clock.pending > 0);
    await clock.advance(59_000);
    expect(failures()).toBe(1);
    await clock.advance(1000);
    await until("the second attempt", () => failures() === 2);
    await until("its retry is set", () => clock.pending > 0);
    await clock.advance(120_000);
    await until("the record", () => queue?.counts().visible === 1);
    const [message] = queue?.receive(1) ?? [];
    expect(JSON.parse(message?.body ?? "")).toMatchObject({
      requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
      requestPayload: { do: "fail" },
      responsePayload: { errorMessage: "on purpose" },
    });
  });

  it("that the end of the program interrupts is taken up by the next one", async () => {
    const folder = temporaryFolder();
    const first = await deploy({}, realClock, folder);
    first.lambda.invokeAsync("f", { do: "hang" });
    await running.pop()?.stop?.();
    expect(first.context.complaints()).toEqual([]);
    const second = await deploy({ Timeout: 1 }, realClock, folder);
    await second.lambda.start?.();
    await until("it runs again", () => second.context.complaints().some((message) => message.includes("timed out")));
    await running.pop()?.stop?.();
    rmSync(folder, { recursive: true });
  });

  it("above 1 MB is refused", async () => {
    const { lambda } = await deploy();
    expect(() => lambda.invokeAsync("f", { text: "x".repeat(1024 * 1024) })).toThrow("is over Lambda's");
  });

  it("by a service without a permission in the template is said in the log", async () => {
    const { lambda, context, make } = await deploy();
    const caller = { principal: "events.amazonaws.com", sourceArn: "arn:rule/one" };
    const Action = "lambda:InvokeFunction";
    await make("Permission", { Action, FunctionName: "f", Principal: caller.principal, SourceArn: "arn:rule/*" });
    await lambda.invoke("f", {}, caller);
    expect(context.complaints()).toEqual([]);
    await lambda.invoke("f", {}, { ...caller, sourceArn: "arn:other" });
    expect(context.complaints()).toEqual([expect.stringContaining("events.amazonaws.com may not invoke f")]);
  });
});

describe("a queue that feeds a function", () => {
  it("loses what was done and gives again what the function names as failed", async () => {
    const { lambda, sqs, context, make } = await deploy({ Timeout: 1 });
    const deployed = await sqs.resources["AWS::SQS::Queue"]?.deploy("Jobs", { VisibilityTimeout: 1 });
    const queue = sqs.queue(String(deployed?.attributes?.Arn));
    for (const body of ["good", "bad", "good too"]) await queue?.send(body);
    await make("EventSourceMapping", {
      EventSourceArn: deployed?.attributes?.Arn,
      FunctionName: "f",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
    await lambda.start?.();
    await until("the bad one comes back", () => context.lines.some(({ message }) => message === "bad 2"));
    expect(queue?.counts()).toMatchObject({ visible: 0, inFlight: 1 });
    expect(context.lines.map(({ message }) => message).filter((message) => message.startsWith("good"))).toHaveLength(2);
  });

  it("must hide messages for as long as the function may take", async () => {
    const { sqs, make } = await deploy({ Timeout: 31 });
    const deployed = await sqs.resources["AWS::SQS::Queue"]?.deploy("Jobs", {});
    const mapping = make("EventSourceMapping", { EventSourceArn: deployed?.attributes?.Arn, FunctionName: "f" });
    await expect(mapping).rejects.toThrow("VisibilityTimeout is less than the function's Timeout");
  });
});
