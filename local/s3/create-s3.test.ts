import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realClock, realRandom } from "#local/clock.ts";
import type { ApiRequest } from "#local/service.ts";
import { createS3, type S3 } from "./create-s3.ts";
import { decodeAwsChunked } from "./decode-aws-chunked.ts";

const DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/E1";
let directory: string;
let s3: S3;
let server: Server;
let client: S3Client;
let bucket: string;
let last: ApiRequest;

async function deploy(): Promise<void> {
  s3 = createS3({
    clock: realClock,
    random: realRandom,
    log: { info() {}, warn() {}, error() {} },
    stateDirectory: directory,
    region: "us-east-1",
    accountId: "111122223333",
  });
  const made = await s3.resources["AWS::S3::Bucket"]?.deploy("SiteBucket", {});
  bucket = String(made?.ref);
  await s3.start?.();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "s3-"));
  await deploy();
  server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(incoming.url ?? "/", "http://x");
    const headers = incoming.headers as Record<string, string>;
    last = {
      service: "s3",
      method: incoming.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: Buffer.concat(chunks),
    };
    const answer = await s3.api?.handle(last);
    response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new S3Client({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
});

afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await s3.stop?.();
  await rm(directory, { recursive: true });
});

const put = (Key: string, Body: string, more = {}) =>
  client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));

describe("a bucket, through the SDK's client", () => {
  it("keeps bytes, type, cache control and metadata, over a restart", async () => {
    await put("assets/a b+ä.js", "let a;", {
      ContentType: "text/javascript",
      CacheControl: "max-age=1",
      Metadata: { hash: "x" },
    });
    await s3.stop?.();
    await deploy();
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "assets/a b+ä.js" }));
    expect(got).toMatchObject({
      ContentType: "text/javascript",
      CacheControl: "max-age=1",
      Metadata: { hash: "x" },
      ContentLength: 6,
    });
    expect(await got.Body?.transformToString()).toBe("let a;");
    expect(s3.permissions?.(last)).toEqual([
      { action: "s3:GetObject", resource: `arn:aws:s3:::${bucket}/assets/a b+ä.js` },
    ]);
  });

  it("takes a stream in aws-chunked pieces with a checksum at its end", async () => {
    const body = Readable.from([Buffer.alloc(70_000, "a"), Buffer.alloc(70_000, "b")]);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "big", Body: body, ContentLength: 140_000 }));
    expect(last.headers["content-encoding"]).toBe("aws-chunked");
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "big" }));
    expect(head.ContentLength).toBe(140_000);
    expect(head.ContentEncoding).toBeUndefined();
  });

  it("refuses bytes that are not what the checksum says", async () => {
    await put("a", "1");
    const answer = await s3.api?.handle({
      ...last,
      body: Buffer.from("2"),
      headers: { ...last.headers, "x-amz-checksum-crc32": "AAAAAA==" },
    });
    expect([answer?.status, String(answer?.body)]).toEqual([400, expect.stringContaining("BadDigest")]);
  });

  it("lists by prefix, by folder and in pages, and deletes", async () => {
    for (const key of ["a/1", "a/2", "b/1", "c"]) await put(key, key);
    const list = async (more: object) => {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ...more }));
      return {
        keys: page.Contents?.map((one) => one.Key),
        folders: page.CommonPrefixes?.map((one) => one.Prefix),
        next: page.NextContinuationToken,
      };
    };
    expect(await list({ Prefix: "a/" })).toMatchObject({ keys: ["a/1", "a/2"] });
    expect(await list({ Delimiter: "/" })).toMatchObject({ keys: ["c"], folders: ["a/", "b/"] });
    const first = await list({ MaxKeys: 3 });
    expect(first.keys).toEqual(["a/1", "a/2", "b/1"]);
    expect((await list({ ContinuationToken: first.next })).keys).toEqual(["c"]);
    await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: "a/1" }, { Key: "a/2" }] } }),
    );
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "c" }));
    expect((await list({})).keys).toEqual(["b/1"]);
    await expect(client.send(new GetObjectCommand({ Bucket: bucket, Key: "c" }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
    await expect(client.send(new HeadObjectCommand({ Bucket: bucket, Key: "c" }))).rejects.toMatchObject({
      name: "NotFound",
    });
  });
});

describe("a bucket as CloudFront's origin", () => {
  async function get(path: string, headers: Record<string, string> = {}) {
    const host = `${bucket}.s3.us-east-1.amazonaws.com`;
    const address = s3.resolveOrigin(host);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ ...address, path, headers: { host, ...headers }, agent: false }, resolve)
        .on("error", reject)
        .end();
    });
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }
  const allow = (statement = {}) =>
    s3.resources["AWS::S3::BucketPolicy"]?.deploy("Policy", {
      Bucket: bucket,
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "s3:GetObject",
            Principal: { Service: "cloudfront.amazonaws.com" },
            Resource: `arn:aws:s3:::${bucket}/*`,
            Condition: { StringEquals: { "AWS:SourceArn": DISTRIBUTION } },
            ...statement,
          },
        ],
      },
    });
  const signed = { "x-local-source-arn": DISTRIBUTION };

  it("serves an object with its headers, 304 for who has it, and parts of it", async () => {
    await allow();
    await put("index.html", "<p>hello", { ContentType: "text/html", CacheControl: "no-cache" });
    const whole = await get("/index.html", signed);
    expect(whole).toMatchObject({
      status: 200,
      body: "<p>hello",
      headers: { "content-type": "text/html", "cache-control": "no-cache" },
    });
    const again = await get("/index.html", { ...signed, "if-none-match": `W/${whole.headers.etag}` });
    expect(again).toMatchObject({ status: 304, body: "" });
    expect(await get("/index.html", { ...signed, range: "bytes=3-4" })).toMatchObject({ status: 206, body: "he" });
    expect(await get("/index.html", { ...signed, range: "bytes=99-" })).toMatchObject({ status: 416 });
  });

  it("answers 403 for a missing key, and 404 only to who may list", async () => {
    await allow();
    expect((await get("/none", signed)).status).toBe(403);
    await allow({
      Action: ["s3:GetObject", "s3:ListBucket"],
      Resource: [`arn:aws:s3:::${bucket}/*`, `arn:aws:s3:::${bucket}`],
    });
    expect((await get("/none", signed)).status).toBe(404);
  });

  it("is closed without a policy, without a signature and for another distribution", async () => {
    await put("a", "1");
    expect((await get("/a", signed)).status).toBe(403);
    await allow();
    expect((await get("/a")).status).toBe(403);
    expect((await get("/a", { "x-local-source-arn": `${DISTRIBUTION}2` })).status).toBe(403);
    expect((await get("/a", signed)).status).toBe(200);
  });
});

it("reads any aws-chunked body back, and refuses every shortened one", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 }), fc.nat(), (parts, cut) => {
      const chunks = parts.flatMap((part) => [
        Buffer.from(`${part.length.toString(16)};chunk-signature=ab\r\n`),
        Buffer.from(part),
        Buffer.from("\r\n"),
      ]);
      const body = Buffer.concat([...chunks, Buffer.from("0\r\nx-amz-checksum-crc32:AA==\r\n\r\n")]);
      const decoded = decodeAwsChunked(body);
      expect(decoded.bytes.equals(Buffer.concat(parts))).toBe(true);
      expect(decoded.trailers).toEqual({ "x-amz-checksum-crc32": "AA==" });
      const end = body.length - Buffer.byteLength("0\r\nx-amz-checksum-crc32:AA==\r\n\r\n");
      expect(() => decodeAwsChunked(body.subarray(0, cut % (end + 1)))).toThrow(/aws-chunked/);
    }),
  );
});
