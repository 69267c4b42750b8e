import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HeldClock } from "../clock.ts";
import { callJson, temporaryFolder, testContext } from "../test-context.ts";
import { createSqs } from "./create-sqs.ts";

const endpointUrl = (): string => "http://127.0.0.1:1";

async function deploy(stateDirectory?: string, clock = new HeldClock()) {
  const context = testContext({ stateDirectory, clock });
  const sqs = createSqs(context, { endpointUrl });
  const provider = sqs.resources["AWS::SQS::Queue"];
  const dead = await provider?.deploy("Dead", {});
  const RedrivePolicy = { deadLetterTargetArn: dead?.attributes?.Arn, maxReceiveCount: 2 };
  const deployed = await provider?.deploy("Jobs", { VisibilityTimeout: 60, RedrivePolicy });
  const QueueUrl = String(deployed?.ref);
  const call = async (operation: string, input: object) =>
    (await callJson(sqs, operation, { QueueUrl, ...input })).body;
  const receive = async (input: object = {}) => (await call("ReceiveMessage", input)).Messages ?? [];
  return { sqs, context, clock, call, receive, deadUrl: String(dead?.ref) };
}

describe("a queue", () => {
  it("hides a received message for its visibility timeout, then gives it again with a higher count", async () => {
    const { call, receive, clock } = await deploy();
    const { MessageId } = await call("SendMessage", { MessageBody: "work" });
    const [first] = await receive();
    expect(first).toMatchObject({ MessageId, Body: "work", Attributes: { ApproximateReceiveCount: "1" } });
    expect(await receive()).toEqual([]);
    await clock.advance(60_000);
    const [second] = await receive();
    expect(second).toMatchObject({ MessageId, Attributes: { ApproximateReceiveCount: "2" } });
    expect(second.ReceiptHandle).not.toBe(first.ReceiptHandle);
  });

  it("gives a deleted message no more, and not one before its delay", async () => {
    const { call, receive, clock } = await deploy();
    await call("SendMessage", { MessageBody: "later", DelaySeconds: 90 });
    expect(await receive()).toEqual([]);
    await clock.advance(90_000);
    const [message] = await receive();
    await call("DeleteMessage", { ReceiptHandle: message.ReceiptHandle });
    await clock.advance(3600_000);
    expect(await receive()).toEqual([]);
  });

  it("moves a message that was received too often to the dead-letter queue, and says so", async () => {
    const { call, receive, clock, context, deadUrl } = await deploy();
    await call("SendMessage", { MessageBody: "poison" });
    for (let round = 0; round < 2; round++) {
      expect(await receive()).toHaveLength(1);
      await clock.advance(60_000);
    }
    expect(await receive()).toEqual([]);
    await clock.advance(0);
    expect(await receive({ QueueUrl: deadUrl })).toMatchObject([{ Body: "poison" }]);
    expect(context.complaints()).toEqual([expect.stringContaining("went to the dead-letter queue atelier-Dead")]);
  });

  it("answers a waiting receive as soon as a message comes, and empty when none does", async () => {
    const { call, receive, clock } = await deploy();
    const waiting = receive({ WaitTimeSeconds: 20 });
    await call("SendMessage", { MessageBody: "now" });
    expect(await waiting).toMatchObject([{ Body: "now" }]);
    const inVain = receive({ WaitTimeSeconds: 20 });
    await clock.advance(20_000);
    expect(await inVain).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("keeps messages and their counts across a restart, and gives at once what was in flight", async () => {
    const folder = temporaryFolder();
    const before = await deploy(folder);
    await before.call("SendMessage", { MessageBody: "kept" });
    await before.receive();
    await before.sqs.stop?.();
    const after = await deploy(folder);
    expect(await after.receive()).toMatchObject([{ Body: "kept", Attributes: { ApproximateReceiveCount: "2" } }]);
    rmSync(folder, { recursive: true });
  });

  it("takes each entry of a batch by itself", async () => {
    const { call } = await deploy();
    const Entries = [
      { Id: "a", MessageBody: "x" },
      { Id: "b", MessageBody: "x", DelaySeconds: 901 },
    ];
    const result = await call("SendMessageBatch", { Entries });
    expect(result.Successful).toMatchObject([{ Id: "a" }]);
    expect(result.Failed).toMatchObject([{ Id: "b", Code: "InvalidParameterValue", SenderFault: true }]);
  });

  it("refuses bad input and queues that are not there by AWS's names", async () => {
    const { call } = await deploy();
    expect(await call("SendMessage", { MessageBody: "" })).toMatchObject({ __type: "MissingParameter" });
    expect(await call("ReceiveMessage", { MaxNumberOfMessages: 11 })).toMatchObject({
      __type: "InvalidParameterValue",
    });
    expect(await call("SendMessage", { QueueUrl: "http://x/1/none" })).toMatchObject({ __type: "QueueDoesNotExist" });
    expect(await call("CreateQueue", {})).toMatchObject({ __type: "UnknownOperationException" });
  });
});
