/** Cache and origin request policies: which headers, cookies and queries of a viewer reach the origin. Caching itself is not modelled. */
import { checkKeys } from "./check-keys.ts";

export interface Selection {
  readonly mode: "none" | "whitelist" | "allExcept" | "all";
  /** Lower case for headers. */
  readonly names: readonly string[];
}

export interface ForwardPolicy {
  readonly headers: Selection;
  readonly cookies: Selection;
  readonly queries: Selection;
  /** Headers that CloudFront makes (`cloudfront-viewer-address`), lower case. */
  readonly made: readonly string[];
  /** Of a cache policy: which encodings it normalises `Accept-Encoding` to, and compresses with. */
  readonly encodings: readonly ("br" | "gzip")[];
}

const NONE: Selection = { mode: "none", names: [] };
const ALL: Selection = { mode: "all", names: [] };

export function selects(selection: Selection | undefined, name: string): boolean {
  if (!selection) return false;
  if (selection.mode === "all") return true;
  if (selection.mode === "none") return false;
  return selection.names.includes(name) === (selection.mode === "whitelist");
}

/** @param config `CachePolicyConfig` */
export function readCachePolicy(config: Record<string, unknown>): ForwardPolicy {
  checkKeys("CachePolicyConfig", config, [
    "Comment",
    "Name",
    "DefaultTTL",
    "MaxTTL",
    "MinTTL",
    "ParametersInCacheKeyAndForwardedToOrigin",
  ]);
  const key = config.ParametersInCacheKeyAndForwardedToOrigin as Record<string, unknown>;
  checkKeys("ParametersInCacheKeyAndForwardedToOrigin", key, [
    "CookiesConfig",
    "HeadersConfig",
    "QueryStringsConfig",
    "EnableAcceptEncodingBrotli",
    "EnableAcceptEncodingGzip",
  ]);
  return {
    ...readSelections(key),
    encodings: [
      ...(isTrue(key.EnableAcceptEncodingBrotli) ? (["br"] as const) : []),
      ...(isTrue(key.EnableAcceptEncodingGzip) ? (["gzip"] as const) : []),
    ],
  };
}

/** @param config `OriginRequestPolicyConfig` */
export function readOriginRequestPolicy(config: Record<string, unknown>): ForwardPolicy {
  checkKeys("OriginRequestPolicyConfig", config, [
    "Comment",
    "Name",
    "CookiesConfig",
    "HeadersConfig",
    "QueryStringsConfig",
  ]);
  return { ...readSelections(config), encodings: [] };
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

function readSelections(config: Record<string, unknown>): Omit<ForwardPolicy, "encodings"> {
  const headers = (config.HeadersConfig ?? {}) as { HeaderBehavior?: string; Headers?: string[] };
  const cookies = (config.CookiesConfig ?? {}) as { CookieBehavior?: string; Cookies?: string[] };
  const queries = (config.QueryStringsConfig ?? {}) as { QueryStringBehavior?: string; QueryStrings?: string[] };
  const names = (headers.Headers ?? []).map((name) => name.toLowerCase());
  const all = headers.HeaderBehavior?.startsWith("allViewer");
  return {
    headers: all ? ALL : selection(headers.HeaderBehavior, names),
    made: headers.HeaderBehavior === "allExcept" ? [] : names.filter((name) => name.startsWith("cloudfront-")),
    cookies: selection(cookies.CookieBehavior, cookies.Cookies ?? []),
    queries: selection(queries.QueryStringBehavior, queries.QueryStrings ?? []),
  };
}

function selection(mode: string | undefined, names: readonly string[]): Selection {
  const known = mode ?? "none";
  if (known !== "none" && known !== "whitelist" && known !== "allExcept" && known !== "all") {
    throw new Error(`The behaviour ${known} of a policy is not modelled.`);
  }
  return { mode: known, names };
}

const nothing: ForwardPolicy = { headers: NONE, cookies: NONE, queries: NONE, made: [], encodings: [] };

/** AWS's managed policies (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html). */
export const MANAGED_CACHE_POLICIES: Readonly<Record<string, ForwardPolicy>> = {
  /** CachingDisabled */
  "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": nothing,
  /** CachingOptimized */
  "658327ea-f89d-4fab-a63d-7e88639e58f6": { ...nothing, encodings: ["br", "gzip"] },
  /** CachingOptimizedForUncompressedObjects */
  "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": nothing,
};

export const MANAGED_ORIGIN_REQUEST_POLICIES: Readonly<Record<string, ForwardPolicy>> = {
  /** AllViewer */
  "216adef6-5c7f-47e4-b989-5492eafa07d3": { ...nothing, headers: ALL, cookies: ALL, queries: ALL },
  /** AllViewerExceptHostHeader */
  "b689b0a8-53d0-40ab-baf2-68738e2966ac": {
    ...nothing,
    headers: { mode: "allExcept", names: ["host"] },
    cookies: ALL,
    queries: ALL,
  },
  /** CORS-S3Origin */
  "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": {
    ...nothing,
    headers: {
      mode: "whitelist",
      names: ["origin", "access-control-request-headers", "access-control-request-method"],
    },
  },
};
