import dns from "node:dns";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CustomResourceEvent } from "#functions/runtime/aws-events.ts";
import { deriveFrom, parseRootKey, type RootKey } from "#functions/runtime/derive-keys.ts";
import { startTestParameters, type TestParameters } from "#functions/runtime/test-parameters.ts";
import { handler } from "./make-keys.ts";

let parameters: TestParameters;
let server: Server;
let url: string;
let answers: Record<string, unknown>[] = [];
let store = new Map<string, string>();
let conflicts = 0;
let logged = "";
let restore = () => {};

beforeAll(async () => {
  parameters = await startTestParameters();
  // CloudFormation's presigned URL and a key-value store with its versions.
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (request.url === "/answer") {
      answers.push(JSON.parse(body) as Record<string, unknown>);
      return response.end();
    }
    response.setHeader("content-type", "application/json").setHeader("etag", `v${store.size}`);
    if (request.method === "POST") {
      if (conflicts > 0 || request.headers["if-match"] !== `v${store.size}`) {
        conflicts -= 1;
        return response.writeHead(409, { "x-amzn-errortype": "ConflictException" }).end('{"Message":"changed"}');
      }
      const { Puts = [], Deletes = [] } = JSON.parse(body) as {
        Puts?: { Key: string; Value: string }[];
        Deletes?: { Key: string }[];
      };
      for (const { Key, Value } of Puts) store.set(Key, Value);
      for (const { Key } of Deletes) store.delete(Key);
    }
    if (request.url?.endsWith("/keys")) {
      return response.end(JSON.stringify({ Items: [...store].map(([Key, Value]) => ({ Key, Value })) }));
    }
    return response.end(JSON.stringify({ ItemCount: store.size, TotalSizeInBytes: 0, KvsARN: "", Created: 0 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The store's client puts the account before the host, and not every C library knows `*.localhost` (RFC 6761).
  process.env.AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE = url.replace("127.0.0.1", "localhost");
  const lookup = dns.lookup;
  dns.lookup = ((name: string, ...rest: unknown[]) =>
    Reflect.apply(lookup, dns, [name.endsWith(".localhost") ? "127.0.0.1" : name, ...rest])) as typeof dns.lookup;
  process.env.LOG_LEVEL = "debug";
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = ((text: string) => {
    logged += String(text);
    return true;
  }) as typeof process.stdout.write;
  restore = () => {
    process.stdout.write = write;
    dns.lookup = lookup;
  };
});
afterAll(async () => {
  restore();
  server.closeAllConnections();
  server.close();
  await parameters.stop();
});
beforeEach(() => {
  parameters.values.delete("/atelier/root-key");
  answers = [];
  store = new Map();
  conflicts = 0;
  logged = "";
});

async function run(RequestType: CustomResourceEvent["RequestType"], more: Record<string, string> = {}) {
  await handler({
    RequestType,
    ResponseURL: `${url}/answer`,
    StackId: "s",
    RequestId: "r",
    LogicalResourceId: "Keys",
    ...(RequestType === "Create" ? {} : { PhysicalResourceId: "atelier-Keys" }),
    ResourceProperties: {
      RootKeyParameter: "/atelier/root-key",
      KeyValueStoreArn: "arn:aws:cloudfront::111122223333:key-value-store/abc",
      DashboardOrigin: "https://atelier.example.com",
      WorkspaceHostSuffix: ".ws.example.net",
      Generation: "1",
      ...more,
    },
  });
  return answers.at(-1);
}

const root = (): RootKey => parseRootKey(parameters.values.get("/atelier/root-key") ?? "");
const edgeKey = (secret: RootKey["current"]) => deriveFrom(secret, "atelier/edge").toString("base64url");

describe("Custom::Keys", () => {
  it("makes a root key, and gives the edge its own and what it must know of the site", async () => {
    expect(await run("Create")).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "atelier-Keys" });
    expect(root().current.id).toBe("1");
    expect(store.get("edge-key.1")).toBe(edgeKey(root().current));
    expect(JSON.parse(store.get("site") ?? "")).toEqual({
      dashboard: "https://atelier.example.com",
      hostSuffix: ".ws.example.net",
      secure: true,
    });
  });

  it("keeps the key when it runs again, and when only the site changes", async () => {
    await run("Create");
    const before = root();
    await run("Create");
    await run("Update", { DashboardOrigin: "http://localhost:4000" });
    expect(root()).toEqual(before);
    expect(JSON.parse(store.get("site") ?? "")).toMatchObject({ dashboard: "http://localhost:4000", secure: false });
  });

  it("keeps the generation before when it rotates, and drops the one before that", async () => {
    await run("Create");
    const first = root().current;
    await run("Update", { Generation: "2" });
    const second = root().current;
    expect(root()).toEqual({ current: second, previous: first });
    expect(second.secret).not.toBe(first.secret);
    await run("Update", { Generation: "2" });
    expect(root().current).toEqual(second);
    await run("Update", { Generation: "3" });
    expect(root().previous).toEqual(second);
    expect([...store.keys()].sort()).toEqual(["edge-key.2", "edge-key.3", "site"]);
  });

  it("does not go back to a generation that was", async () => {
    await run("Create");
    await run("Update", { Generation: "2" });
    expect(await run("Update", { Generation: "1" })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("take one that is new"),
    });
    expect(root().current.id).toBe("2");
  });

  it("tries again when somebody else wrote to the store in between", async () => {
    conflicts = 2;
    expect(await run("Create")).toMatchObject({ Status: "SUCCESS" });
    expect(store.has("edge-key.1")).toBe(true);
  });

  it("writes no key that the edge does not know", async () => {
    conflicts = 100;
    expect(await run("Create")).toMatchObject({ Status: "FAILED" });
    expect(parameters.values.has("/atelier/root-key")).toBe(false);
  });

  it("keeps the root key when the stack is deleted", async () => {
    await run("Create");
    expect(await run("Delete")).toMatchObject({ Status: "SUCCESS" });
    expect(root().current.id).toBe("1");
  });

  it("says which property is missing", async () => {
    expect(await run("Create", { Generation: "" })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("Generation"),
    });
  });

  it("shows no key in answers and logs", async () => {
    await run("Create");
    await run("Update", { Generation: "2" });
    const { current, previous } = root();
    expect(logged).toContain("Made a root key");
    for (const secret of [current, ...(previous ? [previous] : [])]) {
      for (const text of [secret.secret, edgeKey(secret)]) {
        expect(logged).not.toContain(text);
        expect(JSON.stringify(answers)).not.toContain(text);
      }
    }
  });
});
