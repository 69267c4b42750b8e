import dns from "node:dns";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CloudFrontKeyValueStoreClient,
  DeleteKeyCommand,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  ListKeysCommand,
  PutKeyCommand,
  UpdateKeysCommand,
} from "@aws-sdk/client-cloudfront-keyvaluestore";
import "@aws-sdk/signature-v4a";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HeldClock, realRandom } from "#local/clock.ts";
import type { ServiceContext } from "#local/service.ts";
import { createKeyValueStores, type KeyValueStores } from "./create-key-value-stores.ts";

let directory: string;
let server: Server;
let client: CloudFrontKeyValueStoreClient;
let stores: KeyValueStores;
let arn: string;
let takeBack: () => void;
const seen: string[] = [];

function context(): ServiceContext {
  const log = { info() {}, warn() {}, error() {} };
  return {
    clock: new HeldClock(),
    random: realRandom,
    log,
    stateDirectory: directory,
    region: "us-east-1",
    accountId: "111122223333",
  };
}

async function deploy(): Promise<void> {
  stores = createKeyValueStores(context());
  const made = await stores.resources["AWS::CloudFront::KeyValueStore"]?.deploy("Store", { Name: "edge" });
  arn = String(made?.attributes?.Arn);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kvs-"));
  await deploy();
  takeBack = answerAccountHosts();
  server = createServer(async (request, response) => {
    seen.push(String(request.headers.authorization));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", "http://x");
    const answer = await stores.api?.handle({
      service: "cloudfront-keyvaluestore",
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new CloudFrontKeyValueStoreClient({
    region: "us-east-1",
    endpoint: `http://localhost:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "AKIDLOCAL", secretAccessKey: "secret" },
  });
});

afterEach(async () => {
  takeBack();
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

async function currentETag(): Promise<string> {
  return String((await client.send(new DescribeKeyValueStoreCommand({ KvsARN: arn }))).ETag);
}

describe("a key value store, through the SDK's client", () => {
  it("keeps what was put, under one ETag for the whole store, and over a restart", async () => {
    const first = await currentETag();
    const put = await client.send(new PutKeyCommand({ KvsARN: arn, Key: "edge-key.1", Value: "abc", IfMatch: first }));
    expect(put).toMatchObject({ ItemCount: 1, TotalSizeInBytes: 13 });
    expect(put.ETag).not.toBe(first);
    await deploy();
    expect(await client.send(new GetKeyCommand({ KvsARN: arn, Key: "edge-key.1" }))).toMatchObject({ Value: "abc" });
    expect(stores.find(arn)?.get("edge-key.1")).toBe("abc");
    expect(await currentETag()).toBe(put.ETag);
  });

  it("refuses a change under an ETag that is no longer the newest", async () => {
    const first = await currentETag();
    const update = {
      KvsARN: arn,
      IfMatch: first,
      Puts: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
    };
    await client.send(new UpdateKeysCommand(update));
    await expect(client.send(new UpdateKeysCommand(update))).rejects.toMatchObject({ name: "ConflictException" });
    await client.send(new UpdateKeysCommand({ KvsARN: arn, IfMatch: await currentETag(), Deletes: [{ Key: "a" }] }));
    const { Items } = await client.send(new ListKeysCommand({ KvsARN: arn }));
    expect(Items).toEqual([{ Key: "b", Value: "2" }]);
    await client.send(new DeleteKeyCommand({ KvsARN: arn, Key: "b", IfMatch: await currentETag() }));
    await expect(client.send(new GetKeyCommand({ KvsARN: arn, Key: "b" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });

  it.each([
    ["a value above 1 KB", { Puts: [{ Key: "a", Value: "x".repeat(1_025) }] }],
    ["a key above 512 bytes", { Puts: [{ Key: "x".repeat(513), Value: "1" }] }],
    ["more than 50 keys", { Puts: Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: "1" })) }],
  ])("refuses %s and changes nothing", async (_what, change) => {
    const before = await currentETag();
    const update = new UpdateKeysCommand({ KvsARN: arn, IfMatch: before, ...change });
    await expect(client.send(update)).rejects.toMatchObject({ name: "ValidationException" });
    expect(await currentETag()).toBe(before);
  });

  it("asks for the permission that the request needs", async () => {
    const request = {
      service: "cloudfront-keyvaluestore",
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.alloc(0),
    };
    const path = `/key-value-stores/${encodeURIComponent(arn)}`;
    expect(stores.permissions?.({ ...request, method: "POST", path: `${path}/keys` })).toEqual([
      { action: "cloudfront-keyvaluestore:UpdateKeys", resource: arn },
    ]);
    await currentETag();
    expect(seen.at(-1)).toMatch(
      /^AWS4-ECDSA-P256-SHA256 Credential=AKIDLOCAL\/\d{8}\/cloudfront-keyvaluestore\/aws4_request/,
    );
  });
});

/**
 * The client puts the account id before whatever endpoint it is given, and nothing stops it: `localhost` becomes
 * `111122223333.localhost`, a name that browsers take to loopback and most systems do not know. Functions are given the same answer.
 */
function answerAccountHosts(): () => void {
  const original = dns.lookup as (hostname: string, ...rest: unknown[]) => void;
  const answer = (hostname: string, ...rest: unknown[]) =>
    original(hostname.endsWith(".localhost") ? "127.0.0.1" : hostname, ...rest);
  dns.lookup = answer as typeof dns.lookup;
  return () => {
    dns.lookup = original as typeof dns.lookup;
  };
}
