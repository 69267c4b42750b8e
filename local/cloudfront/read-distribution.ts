/** Reads `DistributionConfig` once, at deployment: what is not modelled is refused here and not at the first request. */
import { checkKeys } from "./check-keys.ts";
import type { EdgeFunction } from "./edge-function.ts";
import type { ForwardPolicy } from "./forward-policy.ts";
import { matchesPath } from "./match-path.ts";
import type { ResponseHeadersPolicy } from "./response-headers-policy.ts";

export interface Origin {
  readonly id: string;
  readonly domainName: string;
  /** Put before the path; empty or with a leading slash. */
  readonly originPath: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** It has an origin access control: CloudFront signs its requests, so that a bucket policy can let them in. */
  readonly signed: boolean;
  readonly isBucket: boolean;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly usesHttps: boolean;
  /** Longest silence of the origin, before and within an answer. */
  readonly readTimeoutMs: number;
}

export interface Behavior {
  readonly pathPattern: string;
  readonly origin: Origin;
  readonly allowedMethods: readonly string[];
  readonly compress: boolean;
  readonly cachePolicy: ForwardPolicy;
  readonly originRequestPolicy: ForwardPolicy | undefined;
  readonly responseHeadersPolicy: ResponseHeadersPolicy | undefined;
  readonly viewerRequest: EdgeFunction | undefined;
}

export interface ErrorPage {
  readonly responseCode: number;
  readonly pagePath: string;
}

export interface Distribution {
  readonly id: string;
  readonly arn: string;
  readonly domainName: string;
  /** Lower case, without ports. */
  readonly aliases: readonly string[];
  readonly defaultRootObject: string;
  /** In order; the last one is the default behaviour. */
  readonly behaviors: readonly Behavior[];
  /** By the origin's status. */
  readonly errorPages: ReadonlyMap<number, ErrorPage>;
}

/** What ids and ARNs in the configuration stand for. @throws Error that names what there is not */
export interface References {
  cachePolicy(id: string): ForwardPolicy;
  originRequestPolicy(id: string): ForwardPolicy;
  responseHeadersPolicy(id: string): ResponseHeadersPolicy;
  edgeFunction(arn: string): EdgeFunction;
}

type Config = Record<string, unknown>;

/** Read and ignored, since a laptop has no certificates, edge locations or log buckets. */
const INERT = ["Comment", "HttpVersion", "IPV6Enabled", "PriceClass", "ViewerCertificate", "Logging", "WebACLId"];
const INERT_OF_BEHAVIOR = ["ViewerProtocolPolicy", "CachedMethods", "SmoothStreaming"];
const INERT_OF_ORIGIN = ["ConnectionAttempts", "ConnectionTimeout", "OriginShield", "ResponseCompletionTimeout"];

export function readDistribution(
  config: Config,
  identity: Pick<Distribution, "id" | "arn" | "domainName">,
  references: References,
): Distribution {
  checkKeys("DistributionConfig", config, [
    ...INERT,
    "Aliases",
    "CacheBehaviors",
    "CustomErrorResponses",
    "DefaultCacheBehavior",
    "DefaultRootObject",
    "Enabled",
    "Origins",
  ]);
  if (config.Enabled === false) throw new Error("DistributionConfig.Enabled: a disabled distribution is not modelled.");
  const origins = new Map(
    (config.Origins as Config[]).map((origin) => [String(origin.Id), readOrigin(origin)] as const),
  );
  const behaviors = [
    ...((config.CacheBehaviors ?? []) as Config[]),
    { ...(config.DefaultCacheBehavior as Config), PathPattern: "*" },
  ].map((behavior) => readBehavior(behavior, origins, references));
  return {
    ...identity,
    aliases: ((config.Aliases ?? []) as string[]).map((alias) => alias.toLowerCase()),
    defaultRootObject: String(config.DefaultRootObject ?? ""),
    behaviors,
    errorPages: new Map(
      ((config.CustomErrorResponses ?? []) as Config[])
        .filter((page) => page.ResponsePagePath !== undefined)
        .map((page) => [
          Number(page.ErrorCode),
          { responseCode: Number(page.ResponseCode ?? page.ErrorCode), pagePath: String(page.ResponsePagePath) },
        ]),
    ),
  };
}

function readOrigin(config: Config): Origin {
  const where = `Origin ${String(config.Id)}`;
  checkKeys(where, config, [
    ...INERT_OF_ORIGIN,
    "Id",
    "DomainName",
    "OriginPath",
    "OriginCustomHeaders",
    "S3OriginConfig",
    "CustomOriginConfig",
    "OriginAccessControlId",
  ]);
  const custom = (config.CustomOriginConfig ?? {}) as Config;
  checkKeys(`${where}.CustomOriginConfig`, custom, [
    "HTTPPort",
    "HTTPSPort",
    "OriginKeepaliveTimeout",
    "OriginProtocolPolicy",
    "OriginReadTimeout",
    "OriginSSLProtocols",
    "IpAddressType",
  ]);
  const headers = (config.OriginCustomHeaders ?? []) as { HeaderName: string; HeaderValue: string }[];
  return {
    id: String(config.Id),
    domainName: String(config.DomainName).toLowerCase(),
    originPath: String(config.OriginPath ?? ""),
    customHeaders: Object.fromEntries(headers.map((header) => [header.HeaderName.toLowerCase(), header.HeaderValue])),
    signed: Boolean(config.OriginAccessControlId),
    isBucket: config.S3OriginConfig !== undefined,
    httpPort: Number(custom.HTTPPort ?? 80),
    httpsPort: Number(custom.HTTPSPort ?? 443),
    usesHttps: custom.OriginProtocolPolicy === "https-only",
    readTimeoutMs: Number(custom.OriginReadTimeout ?? 30) * 1_000,
  };
}

function readBehavior(config: Config, origins: ReadonlyMap<string, Origin>, references: References): Behavior {
  const where = `Behavior ${String(config.PathPattern)}`;
  checkKeys(where, config, [
    ...INERT_OF_BEHAVIOR,
    "PathPattern",
    "TargetOriginId",
    "AllowedMethods",
    "Compress",
    "CachePolicyId",
    "OriginRequestPolicyId",
    "ResponseHeadersPolicyId",
    "FunctionAssociations",
  ]);
  const origin = origins.get(String(config.TargetOriginId));
  if (!origin) throw new Error(`${where}: there is no origin ${String(config.TargetOriginId)}.`);
  if (config.CachePolicyId === undefined)
    throw new Error(`${where}: only behaviours with a cache policy are modelled.`);
  const associations = (config.FunctionAssociations ?? []) as { EventType: string; FunctionARN: string }[];
  const other = associations.find((association) => association.EventType !== "viewer-request");
  if (other) throw new Error(`${where}: functions at ${other.EventType} are not modelled.`);
  const [viewerRequest] = associations;
  return {
    pathPattern: String(config.PathPattern),
    origin,
    allowedMethods: (config.AllowedMethods as string[] | undefined) ?? ["GET", "HEAD"],
    compress: config.Compress === true,
    cachePolicy: references.cachePolicy(String(config.CachePolicyId)),
    originRequestPolicy: optional(config.OriginRequestPolicyId, references.originRequestPolicy),
    responseHeadersPolicy: optional(config.ResponseHeadersPolicyId, references.responseHeadersPolicy),
    viewerRequest: viewerRequest && references.edgeFunction(viewerRequest.FunctionARN),
  };
}

function optional<T>(id: unknown, find: (id: string) => T): T | undefined {
  return id === undefined ? undefined : find(String(id));
}

/** @param path without query */
export function findBehavior(distribution: Distribution, path: string): Behavior {
  const found = distribution.behaviors.find((behavior) => matchesPath(behavior.pathPattern, path));
  return found ?? (distribution.behaviors.at(-1) as Behavior);
}
