import { describe, expect, it } from "vitest";
import { HeldClock } from "../clock.ts";
import { callJson, testContext } from "../test-context.ts";
import { createEvents } from "./create-events.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";

async function deploy(...rules: object[]) {
  const clock = new HeldClock();
  const context = testContext({ clock });
  const received: { payload: unknown; sourceArn: string | undefined }[] = [];
  const events = createEvents(context, {
    functions: {
      invoke: async () => ({ ok: true, payload: null }),
      invokeAsync: (_arn, payload, caller) => void received.push({ payload, sourceArn: caller?.sourceArn }),
    },
    queue: () => undefined,
  });
  for (const [index, rule] of rules.entries()) {
    await events.resources["AWS::Events::Rule"]?.deploy(`Rule${index}`, { Targets: [{ Id: "t", Arn: arn }], ...rule });
  }
  return { events, clock, context, received };
}

describe("a rule", () => {
  it("with a rate fires at the start and then at its rate, until the end", async () => {
    const { events, clock, received } = await deploy({ ScheduleExpression: "rate(1 minute)" });
    await events.start?.();
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      payload: { source: "aws.events", "detail-type": "Scheduled Event", detail: {}, time: "2026-01-01T00:00:00Z" },
      sourceArn: "arn:aws:events:us-east-1:000000000000:rule/atelier-Rule0",
    });
    await clock.advance(3 * 60_000);
    expect(received).toHaveLength(4);
    await events.stop?.();
    expect(clock.pending).toBe(0);
  });

  it("gives a service's events to its targets, those from before the start too, and the input in their stead", async () => {
    const pattern = { EventPattern: { source: ["aws.ecs"], detail: { n: [1] } } };
    const { events, received } = await deploy(pattern, {
      ...pattern,
      Targets: [{ Id: "t", Arn: arn, Input: '{"own":1}' }],
    });
    events.put({ source: "aws.ecs", "detail-type": "Change", detail: { n: 1 } });
    expect(received).toEqual([]);
    await events.start?.();
    events.put({ source: "aws.ecs", "detail-type": "Change", detail: { n: 2 } });
    expect(received.map(({ payload }) => payload)).toMatchObject([{ detail: { n: 1 }, version: "0" }, { own: 1 }]);
  });

  it("that is disabled or of another bus hears nothing", async () => {
    const EventPattern = { source: [{ exists: true }] };
    const { events, received } = await deploy({ EventPattern, State: "DISABLED" });
    await expect(deploy({ EventPattern, EventBusName: "none" })).rejects.toThrow("no bus none");
    await events.start?.();
    events.put({ source: "a", "detail-type": "b", detail: {} });
    expect(received).toEqual([]);
  });

  it("with a target that is not modelled is refused", async () => {
    const Targets = [{ Id: "t", Arn: arn, InputTransformer: {} }];
    await expect(deploy({ EventPattern: { source: ["a"] }, Targets })).rejects.toThrow(
      "InputTransformer is not modelled",
    );
  });
});

it("answers for each entry of PutEvents by itself", async () => {
  const { events } = await deploy();
  const good = { Source: "s", DetailType: "d", Detail: "{}" };
  const Entries = [good, { ...good, Detail: "{" }, { ...good, Source: "aws.ec2" }, { ...good, EventBusName: "none" }];
  const { body } = await callJson(events, "PutEvents", { Entries });
  expect(body.FailedEntryCount).toBe(3);
  expect(body.Entries).toMatchObject([
    { EventId: expect.any(String) },
    { ErrorCode: "MalformedDetail" },
    { ErrorCode: "NotAuthorizedForSourceException" },
    { ErrorCode: "ResourceNotFoundException" },
  ]);
  const tooMany = await callJson(events, "PutEvents", { Entries: Array.from({ length: 11 }, () => good) });
  expect(tooMany.body.__type).toBe("ValidationException");
  const tooLarge = await callJson(events, "PutEvents", {
    Entries: [{ ...good, Detail: `{"a":"${"x".repeat(262_144)}"}` }],
  });
  expect(tooLarge.body.__type).toBe("ValidationException");
});
