import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { putEvent } from "./bus.ts";
import { clock, setClock, toIso, toSeconds } from "./clock.ts";
import { env, optionalEnv } from "./config.ts";
import { askDriver } from "./queue.ts";
import { pick, randomLetters, randomText, setRandomSource } from "./random.ts";

describe("configuration", () => {
  it("names the variable that is missing", () => {
    process.env.EMPTY_ONE = "";
    for (const name of ["NOT_THERE", "EMPTY_ONE"]) expect(() => env(name)).toThrow(name);
    expect(optionalEnv("EMPTY_ONE")).toBeUndefined();
  });

  it("is read once", () => {
    process.env.CHANGING = "first";
    expect(env("CHANGING")).toBe("first");
    process.env.CHANGING = "second";
    expect(env("CHANGING")).toBe("first");
  });
});

describe("the clock", () => {
  it("can be held and let go", () => {
    const restore = setClock({ now: () => 1_700_000_000_123 });
    expect(toIso(clock.now())).toBe("2023-11-14T22:13:20.123Z");
    expect(toSeconds(clock.now())).toBe(1_700_000_000);
    restore();
    expect(clock.now()).toBeGreaterThan(1_700_000_000_123);
  });
});

describe("randomness", () => {
  it("comes from one source, which a seed can replace", () => {
    const restore = setRandomSource({ bytes: (length) => Buffer.alloc(length, 31) });
    expect([randomLetters(4), randomText(16)]).toEqual(["7777", "Hx8"]);
    restore();
    expect(randomText(128)).not.toBe(randomText(128));
  });

  it("picks everything and nothing else", () => {
    const seen = new Set(Array.from({ length: 500 }, () => pick(["a", "b", "c"])));
    expect([...seen].sort()).toEqual(["a", "b", "c"]);
    expect(() => pick([])).toThrow();
  });
});

describe("what goes to AWS", () => {
  let server: Server;
  let received: { target: string; body: Record<string, unknown> }[] = [];
  let refuse = false;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      received.push({ target: String(request.headers["x-amz-target"]).split(".")[1] ?? "", body });
      const entry = refuse ? { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" } : { EventId: "e" };
      response.setHeader("content-type", "application/x-amz-json-1.0");
      // The SDK compares what SQS says it received.
      const sum = createHash("md5").update(String(body.MessageBody)).digest("hex");
      response.end(
        JSON.stringify({ MessageId: "m", MD5OfMessageBody: sum, FailedEntryCount: refuse ? 1 : 0, Entries: [entry] }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SQS: url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: url,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      QUEUE_URL: `${url}/111122223333/launches`,
      BUS_NAME: "atelier",
    });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each([
    [undefined, 0],
    [-5, 0],
    [0.2, 1],
    [30, 30],
    [5_000, 900],
  ])("asks the driver with a delay of %s s as SQS can: %i s", async (delay, expected) => {
    received = [];
    await askDriver("amber-otter-x7k2m5q4", delay);
    expect(received).toMatchObject([
      {
        target: "SendMessage",
        body: { MessageBody: '{"workspaceId":"amber-otter-x7k2m5q4"}', DelaySeconds: expected },
      },
    ]);
  });

  it("puts an event on the bus, and says when the bus did not take it", async () => {
    received = [];
    await putEvent("Volume Released", { workspaceId: "w" });
    expect(received[0]?.body).toMatchObject({
      Entries: [
        { EventBusName: "atelier", Source: "atelier", DetailType: "Volume Released", Detail: '{"workspaceId":"w"}' },
      ],
    });
    refuse = true;
    await expect(putEvent("Volume Released", {})).rejects.toThrow(/ThrottlingException slow down/);
  });
});
