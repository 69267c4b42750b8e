import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { AtelierError } from "#protocol/errors.ts";
import type { CustomResourceEvent, HttpEvent, SQSEvent } from "./aws-events.ts";
import { onBus, onCustomResource, onHttp, onQueue, onSocket } from "./middleware.ts";

beforeAll(() => {
  process.env.LOG_LEVEL = "off";
});

const httpEvent = { routeKey: "GET /x", requestContext: { requestId: "1" } } as HttpEvent;

describe("onHttp", () => {
  it("answers what the handler answers", async () => {
    const handler = onHttp({ env: [] }, async () => ({ statusCode: 204 }));
    expect(await handler(httpEvent)).toEqual({ statusCode: 204 });
  });

  it("names the error in the body and gives it its number", async () => {
    const handler = onHttp({ env: [] }, async () => {
      throw new AtelierError("NOT_FOUND", "It is not here.");
    });
    const answer = await handler(httpEvent);
    expect(answer.statusCode).toBe(404);
    expect(JSON.parse(answer.body ?? "")).toEqual({ error: { name: "NOT_FOUND", message: "It is not here." } });
  });

  it("shows nothing of an unexpected error", async () => {
    const handler = onHttp({ env: [] }, async () => {
      throw new Error("inner detail");
    });
    const answer = await handler(httpEvent);
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain("inner detail");
  });

  it("does not run the handler without its environment", async () => {
    let ran = false;
    const handler = onHttp({ env: ["NOT_THERE_AT_ALL"] }, async () => {
      ran = true;
      return { statusCode: 200 };
    });
    expect((await handler(httpEvent)).statusCode).toBe(500);
    expect(ran).toBe(false);
  });
});

describe("onSocket", () => {
  const event = { requestContext: { connectionId: "c", requestId: "r", routeKey: "$connect" } };

  it("answers 403 when the handler refuses with PERMISSION_DENIED", async () => {
    const handler = onSocket({ env: [] }, async () => {
      throw new AtelierError("PERMISSION_DENIED", "No.");
    });
    expect((await handler(event)).statusCode).toBe(403);
  });
});

function batch(...messages: { id: string; body: unknown }[]): SQSEvent {
  return {
    Records: messages.map(({ id, body }) => ({
      messageId: id,
      body: JSON.stringify(body),
      attributes: { ApproximateReceiveCount: "1" },
    })),
  } as unknown as SQSEvent;
}

describe("onQueue", () => {
  it("gives back only the messages that failed", async () => {
    const handler = onQueue({ env: [] }, async (message: { n: number }) => {
      if (message.n === 2) throw new Error("no");
    });
    const answer = await handler(batch({ id: "a", body: { n: 1 } }, { id: "b", body: { n: 2 } }));
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "b" }] });
  });

  it("handles equal messages of a batch once, and gives all of them back when that fails", async () => {
    let runs = 0;
    const handler = onQueue({ env: [] }, async () => {
      runs += 1;
      throw new Error("no");
    });
    const answer = await handler(batch({ id: "a", body: { w: 1 } }, { id: "b", body: { w: 1 } }));
    expect(runs).toBe(1);
    expect(answer.batchItemFailures).toHaveLength(2);
  });

  it("does not handle a finished message again, but does handle one that failed", async () => {
    const runs: string[] = [];
    const handler = onQueue({ env: [] }, async (message: { w: string }) => {
      runs.push(message.w);
      if (message.w === "bad" && runs.filter((w) => w === "bad").length === 1) throw new Error("no");
    });
    const twice = batch({ id: "a", body: { w: "good" } }, { id: "b", body: { w: "bad" } });
    await handler(twice);
    expect((await handler(twice)).batchItemFailures).toEqual([]);
    expect(runs).toEqual(["good", "bad", "bad"]);
  });

  it("gives back a message that is no JSON", async () => {
    const event = batch({ id: "a", body: 1 });
    if (event.Records[0]) event.Records[0].body = "{";
    const handler = onQueue({ env: [] }, async () => {});
    expect((await handler(event)).batchItemFailures).toHaveLength(1);
  });
});

describe("onBus", () => {
  const event = { id: "e1", "detail-type": "T", detail: {} } as never;

  it("handles an event that comes twice once", async () => {
    let runs = 0;
    const handler = onBus({ env: [] }, async () => {
      runs += 1;
    });
    await handler(event);
    await handler(event);
    expect(runs).toBe(1);
  });

  it("throws, so that Lambda tries again, and handles it then", async () => {
    let runs = 0;
    const handler = onBus({ env: [] }, async () => {
      runs += 1;
      if (runs === 1) throw new Error("no");
    });
    await expect(handler(event)).rejects.toThrow("no");
    await handler(event);
    expect(runs).toBe(2);
  });
});

describe("onCustomResource", () => {
  async function answerOf(handle: () => Promise<{ data?: Record<string, string> }>): Promise<Record<string, unknown>> {
    let body = "";
    const server = createServer((request, response) => {
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const event: CustomResourceEvent = {
      RequestType: "Create",
      ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      StackId: "stack",
      RequestId: "request",
      LogicalResourceId: "Keys",
      ResourceProperties: {},
    };
    await onCustomResource({ env: [] }, handle)(event);
    server.closeAllConnections();
    server.close();
    return JSON.parse(body) as Record<string, unknown>;
  }

  it("tells CloudFormation success with its data and a stable id", async () => {
    const answer = await answerOf(async () => ({ data: { A: "1" } }));
    expect(answer).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "atelier-Keys", Data: { A: "1" } });
  });

  it("tells CloudFormation the reason when it fails", async () => {
    const answer = await answerOf(async () => {
      throw new Error("no room");
    });
    expect(answer).toMatchObject({ Status: "FAILED", Reason: "no room", RequestId: "request", StackId: "stack" });
  });
});
