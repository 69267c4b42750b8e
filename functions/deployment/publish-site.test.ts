import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CustomResourceEvent } from "#functions/runtime/aws-events.ts";
import { handler, publishSite } from "./publish-site.ts";

let server: Server;
let url: string;
let directory: string;
const bucket = new Map<string, { body: string; headers: IncomingHttpHeaders }>();
let order: string[] = [];
let refuse: string | undefined;
let answers: Record<string, unknown>[] = [];
/** So many requests are answered, the rest not any more: nothing of a function that is killed goes on. */
let answered = Number.POSITIVE_INFINITY;
/** Told after every change of the bucket. */
let onChange: () => void = () => undefined;

beforeAll(async () => {
  // As much of S3 as keeps objects, in order.
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url ?? "", "http://s3.invalid");
    const body = Buffer.concat(chunks).toString();
    if (pathname === "/answer") {
      answers.push(JSON.parse(body) as Record<string, unknown>);
      return response.end();
    }
    const key = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    answered -= 1;
    if (key === refuse || answered < 0) return response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
    if (request.method === "PUT") {
      order.push(`put ${key}`);
      bucket.set(key, { body, headers: request.headers });
      onChange();
      return response.end();
    }
    if (request.method === "DELETE") {
      order.push(`delete ${key}`);
      bucket.delete(key);
      onChange();
      return response.writeHead(204).end();
    }
    const contents = [...bucket.keys()].map((name) => `<Contents><Key>${name}</Key></Contents>`).join("");
    return response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    LOG_LEVEL: "off",
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  bucket.clear();
  order = [];
  answers = [];
  refuse = undefined;
  answered = Number.POSITIVE_INFINITY;
  onChange = () => undefined;
  directory = await mkdtemp(join(tmpdir(), "publish-site-"));
  return () => rm(directory, { recursive: true, force: true });
});

async function fill(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

const site = {
  "index.html": "<!doctype html>",
  "assets/main-Dk2_x9aB.js": "1",
  "assets/main-Dk2_x9aB.css": "2",
  "icon.svg": "<svg/>",
};

describe("publishing", () => {
  it("gives each file its type, and lets only hashed ones be kept for ever", async () => {
    await fill(site);
    await publishSite(directory, "bucket");
    const seen = [...bucket].map(([key, { headers }]) => [key, headers["content-type"], headers["cache-control"]]);
    const forever = "public, max-age=31536000, immutable";
    expect(seen.sort()).toEqual([
      ["assets/main-Dk2_x9aB.css", "text/css; charset=utf-8", forever],
      ["assets/main-Dk2_x9aB.js", "text/javascript; charset=utf-8", forever],
      ["icon.svg", "image/svg+xml; charset=utf-8", "no-cache"],
      ["index.html", "text/html; charset=utf-8", "no-cache"],
    ]);
  });

  it("puts the first page after what it names, and deletes what is no longer there after that", async () => {
    await fill(site);
    await publishSite(directory, "bucket");
    await rm(join(directory, "assets/main-Dk2_x9aB.js"));
    await fill({ "assets/main-Zz91_abc.js": "3" });
    order = [];
    await publishSite(directory, "bucket");
    expect(order.slice(-2)).toEqual(["put index.html", "delete assets/main-Dk2_x9aB.js"]);
    expect([...bucket.keys()].sort()).toEqual([
      "assets/main-Dk2_x9aB.css",
      "assets/main-Zz91_abc.js",
      "icon.svg",
      "index.html",
    ]);
  });

  it("leaves the old first page when a file could not be put", async () => {
    await fill(site);
    bucket.set("index.html", { body: "old", headers: {} });
    refuse = "icon.svg";
    await expect(publishSite(directory, "bucket")).rejects.toThrow();
    expect(bucket.get("index.html")?.body).toBe("old");
  });

  it("refuses a folder without a first page, since that would empty the site", async () => {
    await fill({ "icon.svg": "<svg/>" });
    await expect(publishSite(directory, "bucket")).rejects.toThrow(/Build the dashboard/);
  });
});

describe("publishing another site", () => {
  /** Two releases: their first pages name what is theirs. */
  const release = (name: string): Record<string, string> => ({
    "index.html": `assets/main-${name}.js assets/main-${name}.css`,
    [`assets/main-${name}.js`]: name,
    [`assets/main-${name}.css`]: name,
    "icon.svg": name,
  });
  const missing = (): string[] => (bucket.get("index.html")?.body ?? "").split(" ").filter((key) => !bucket.has(key));

  async function replace(): Promise<void> {
    bucket.clear();
    await rm(directory, { recursive: true, force: true });
    await fill(release("Dk2_x9aB"));
    await publishSite(directory, "bucket");
    await rm(directory, { recursive: true, force: true });
    await fill(release("Zz91_abc"));
  }

  it("never shows half a site, wherever it is killed, and the next one makes it whole", async () => {
    for (let killedAfter = 0; killedAfter < 8; killedAfter += 1) {
      await replace();
      const seen: string[][] = [];
      onChange = () => void seen.push(missing());
      answered = killedAfter;
      await publishSite(directory, "bucket").catch(() => undefined);
      expect(seen.flat(), `killed after ${killedAfter}`).toEqual([]);
      answered = Number.POSITIVE_INFINITY;
      await publishSite(directory, "bucket");
      expect([...bucket.keys()].sort()).toEqual(Object.keys(release("Zz91_abc")).sort());
      onChange = () => undefined;
    }
  });

  it("twice at the same moment shows a whole one at every moment", async () => {
    await replace();
    const seen: string[][] = [];
    onChange = () => void seen.push(missing());
    await Promise.all([publishSite(directory, "bucket"), publishSite(directory, "bucket")]);
    expect(seen.flat()).toEqual([]);
    expect([...bucket.keys()].sort()).toEqual(Object.keys(release("Zz91_abc")).sort());
  });
});

it("empties the bucket when the stack is deleted", async () => {
  bucket.set("index.html", { body: "old", headers: {} });
  bucket.set("a", { body: "old", headers: {} });
  await handler({
    RequestType: "Delete",
    ResponseURL: `${url}/answer`,
    StackId: "s",
    RequestId: "r",
    LogicalResourceId: "Site",
    PhysicalResourceId: "atelier-Site",
    ResourceProperties: { BucketName: "bucket", DistributionId: "d", SiteHash: "h" },
  } satisfies CustomResourceEvent);
  expect(answers).toMatchObject([{ Status: "SUCCESS" }]);
  expect([...bucket.keys()]).toEqual([]);
});
