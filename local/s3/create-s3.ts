/** S3: buckets as folders, the API for the SDK, and an origin for CloudFront on a unix socket that nobody else can open. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { OriginDirectory } from "#local/cloudfront/origin-directory.ts";
import { SOURCE_ARN_HEADER } from "#local/cloudfront/plan-request.ts";
import type { ResourceProvider, Service, ServiceContext } from "#local/service.ts";
import { makeSocketFolder } from "#local/socket-folder.ts";
import { allowsCloudFront, type BucketPolicy } from "./bucket-policy.ts";
import { type Bucket, openBucket } from "./bucket-store.ts";
import { handleS3Api, operationOf, readTarget } from "./handle-s3-api.ts";
import { readObject } from "./serve-objects.ts";

export type S3 = Service & OriginDirectory;

export function createS3(context: ServiceContext): S3 {
  const buckets = new Map<string, Bucket>();
  const policies = new Map<string, BucketPolicy>();
  const domains = new Map<string, string>();
  let folder: string | undefined;
  let server: Server | undefined;

  const bucketProvider: ResourceProvider = {
    properties: {
      BucketName: "executed",
      AccessControl: { inert: "Who may read is the policy's word." },
      BucketEncryption: { inert: "Keys are not modelled." },
      CorsConfiguration: { inert: "Browsers reach buckets through CloudFront only." },
      LifecycleConfiguration: { inert: "Nothing expires here." },
      OwnershipControls: { inert: "There is one account." },
      PublicAccessBlockConfiguration: { inert: "Nothing is public: there is no address but CloudFront's." },
      VersioningConfiguration: { inert: "Old versions are not kept." },
      Tags: { inert: "Tags have no effect here." },
    },
    async deploy(logicalId, properties) {
      const name = String(properties.BucketName ?? bucketName(context, logicalId));
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
        throw new Error(`BucketName ${name} is not a bucket's name.`);
      buckets.set(name, await openBucket(context.stateDirectory, name));
      const DomainName = `${name}.s3.amazonaws.com`;
      const RegionalDomainName = `${name}.s3.${context.region}.amazonaws.com`;
      domains.set(DomainName, name);
      domains.set(RegionalDomainName, name);
      return { ref: name, attributes: { Arn: `arn:aws:s3:::${name}`, DomainName, RegionalDomainName } };
    },
  };

  async function answerOrigin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = (request.headers.host ?? "").toLowerCase();
    const bucket = buckets.get(domains.get(host) ?? "");
    const method = request.method ?? "GET";
    let key: string;
    try {
      key = decodeURIComponent((request.url ?? "/").slice(1).split("?", 1)[0] ?? "");
    } catch {
      return refuse(response, method, 400, "InvalidURI", "Could not parse the specified URI.");
    }
    const sourceArn = request.headers[SOURCE_ARN_HEADER];
    const may = (action: string, resource: string) =>
      allowsCloudFront(policies.get(bucket?.name ?? ""), action, resource, sourceArn as string | undefined);
    if (!bucket) return refuse(response, method, 404, "NoSuchBucket", "The specified bucket does not exist.");
    if (method !== "GET" && method !== "HEAD") {
      return refuse(
        response,
        method,
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
      );
    }
    if (!may("s3:GetObject", `arn:aws:s3:::${bucket.name}/${key}`))
      return refuse(response, method, 403, "AccessDenied", "Access Denied");
    const answer = readObject(bucket, key, method, request.headers);
    if (!answer) {
      // Who may not list must not learn what is missing.
      return may("s3:ListBucket", `arn:aws:s3:::${bucket.name}`)
        ? refuse(response, method, 404, "NoSuchKey", "The specified key does not exist.")
        : refuse(response, method, 403, "AccessDenied", "Access Denied");
    }
    response.writeHead(answer.status, answer.headers);
    if (answer.body) await pipeline(answer.body, response);
    else response.end();
  }

  return {
    name: "s3",
    resources: {
      "AWS::S3::Bucket": bucketProvider,
      "AWS::S3::BucketPolicy": {
        properties: { Bucket: "executed", PolicyDocument: "executed" },
        async deploy(logicalId, properties) {
          policies.set(String(properties.Bucket), properties.PolicyDocument as BucketPolicy);
          return { ref: logicalId };
        },
      },
    },
    api: {
      signingName: "s3",
      handle: (request) => handleS3Api(request, (name) => buckets.get(name), context.clock.now()),
    },
    permissions(request) {
      const { bucket, key } = readTarget(request);
      const operation = operationOf(request) ?? "Unknown";
      const arn = `arn:aws:s3:::${bucket}`;
      if (operation === "ListObjectsV2" || operation === "HeadBucket")
        return [{ action: "s3:ListBucket", resource: arn }];
      if (operation === "DeleteObjects") return [{ action: "s3:DeleteObject", resource: `${arn}/*` }];
      return [{ action: `s3:${operation === "HeadObject" ? "GetObject" : operation}`, resource: `${arn}/${key}` }];
    },
    resolveOrigin(domainName) {
      return folder !== undefined && domains.has(domainName) ? { socketPath: join(folder, "s3") } : undefined;
    },
    async start() {
      if (context.listens === false) return;
      const directory = await makeSocketFolder(context.stateDirectory);
      server = createServer((request, response) => {
        answerOrigin(request, response).catch((error) => {
          context.log.error("an object could not be read", { error: String(error) });
          response.destroy();
        });
      });
      await new Promise<void>((resolve, reject) => {
        server?.once("error", reject).listen(join(directory, "s3"), resolve);
      });
      folder = directory;
    },
    async stop() {
      server?.closeAllConnections();
      await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
      if (folder) await rm(folder, { recursive: true, force: true });
      folder = undefined;
    },
  };
}

/** Bucket names are global on AWS; a hash keeps an unnamed one apart and the same after every start. */
function bucketName(context: ServiceContext, logicalId: string): string {
  const hash = createHash("sha256").update(`${context.accountId}/${context.region}/${logicalId}`).digest("hex");
  return `atelier-${logicalId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .slice(0, 40)}-${hash.slice(0, 12)}`;
}

function refuse(response: ServerResponse, method: string, status: number, code: string, message: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(method === "HEAD" ? undefined : body);
}
