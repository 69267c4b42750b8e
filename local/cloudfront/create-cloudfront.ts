/** CloudFront: distributions as reverse proxies, functions in a bare VM, policies. Nothing is cached: every request is a miss. */
import { Agent } from "node:http";
import { ApiError, toApiError } from "#local/endpoint/api-error.ts";
import { restXmlError, xmlAnswer } from "#local/endpoint/rest-xml.ts";
import type {
  AddressBook,
  ApiRequest,
  ApiResponse,
  ResourceProvider,
  Service,
  ServiceContext,
} from "#local/service.ts";
import type { KeyValueStores } from "./create-key-value-stores.ts";
import { derivedId } from "./derived-id.ts";
import { createEdgeFunction, type EdgeFunction } from "./edge-function.ts";
import {
  type ForwardPolicy,
  MANAGED_CACHE_POLICIES,
  MANAGED_ORIGIN_REQUEST_POLICIES,
  readCachePolicy,
  readOriginRequestPolicy,
} from "./forward-policy.ts";
import { matchesAlias } from "./match-path.ts";
import type { OriginDirectory } from "./origin-directory.ts";
import { readDistribution } from "./read-distribution.ts";
import { type ResponseHeadersPolicy, readResponseHeadersPolicy } from "./response-headers-policy.ts";
import { type DistributionServer, serveDistribution } from "./serve-distribution.ts";

export interface CloudFrontDependencies {
  readonly keyValueStores: KeyValueStores;
  /** Buckets and APIs, by their domain names. */
  readonly origins: readonly OriginDirectory[];
  /** Tasks, by their public DNS names. */
  readonly addresses: AddressBook;
}

export interface CloudFront extends Service {
  /** @param name of the host, lower case, without port. @returns the distribution with this alias; an exact one wins over `*.` */
  find(name: string): DistributionServer | undefined;
}

export function createCloudFront(context: ServiceContext, dependencies: CloudFrontDependencies): CloudFront {
  const functions = new Map<string, EdgeFunction>();
  const cachePolicies = new Map<string, ForwardPolicy>(Object.entries(MANAGED_CACHE_POLICIES));
  const originRequestPolicies = new Map<string, ForwardPolicy>(Object.entries(MANAGED_ORIGIN_REQUEST_POLICIES));
  const responseHeadersPolicies = new Map<string, ResponseHeadersPolicy>();
  const distributions = new Map<string, { aliases: readonly string[]; server: DistributionServer }>();
  // A kept connection is closed here before the origins (5 s) would, so that a request seldom meets a closing one.
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: 1_000, timeout: 4_000, scheduling: "lifo" });
  const reach = {
    agent,
    resolve(domainName: string, port: number) {
      for (const directory of dependencies.origins) {
        const address = directory.resolveOrigin(domainName);
        if (address) return address;
      }
      return dependencies.addresses.resolve(domainName, port);
    },
  };

  const functionProvider: ResourceProvider = {
    properties: {
      Name: "executed",
      FunctionCode: "executed",
      FunctionConfig: "executed",
      AutoPublish: { inert: "There is one stage here, and it is live." },
      FunctionMetadata: { inert: "A comment." },
      Tags: { inert: "Tags have no effect here." },
    },
    async deploy(_logicalId, properties) {
      const name = String(properties.Name);
      const config = properties.FunctionConfig as {
        Runtime?: string;
        KeyValueStoreAssociations?: { KeyValueStoreARN: string }[];
      };
      if (config.Runtime !== "cloudfront-js-2.0") throw new Error(`Runtime ${config.Runtime} is not modelled.`);
      const associated = config.KeyValueStoreAssociations ?? [];
      if (associated.length > 1) throw new Error("A function can have one key value store.");
      const [association] = associated;
      const store = association && dependencies.keyValueStores.find(association.KeyValueStoreARN);
      if (association && !store) throw new Error(`There is no key value store ${association.KeyValueStoreARN}.`);
      const arn = `arn:aws:cloudfront::${context.accountId}:function/${name}`;
      const { clock, log } = context;
      functions.set(
        arn,
        createEdgeFunction({ name, code: String(properties.FunctionCode), clock, log, keyValueStore: store }),
      );
      return { ref: arn, attributes: { FunctionARN: arn, "FunctionMetadata.FunctionARN": arn, Stage: "LIVE" } };
    },
  };

  const distributionProvider: ResourceProvider = {
    properties: { DistributionConfig: "executed", Tags: { inert: "Tags have no effect here." } },
    async deploy(logicalId, properties) {
      const id = derivedId(context, logicalId, "distribution");
      const domainName = `${derivedId(context, logicalId, "domain")}.cloudfront.net`;
      const arn = `arn:aws:cloudfront::${context.accountId}:distribution/${id}`;
      const config = properties.DistributionConfig as Record<string, unknown>;
      const distribution = readDistribution(
        config,
        { id, arn, domainName },
        {
          cachePolicy: (policy) => get(cachePolicies, policy, "cache policy"),
          originRequestPolicy: (policy) => get(originRequestPolicies, policy, "origin request policy"),
          responseHeadersPolicy: (policy) => get(responseHeadersPolicies, policy, "response headers policy"),
          edgeFunction: (edgeFunction) => get(functions, edgeFunction, "function"),
        },
      );
      for (const alias of distribution.aliases) {
        for (const [other, { aliases }] of distributions) {
          if (other !== id && aliases.includes(alias)) throw new Error(`Two distributions have the alias ${alias}.`);
        }
      }
      distributions.set(id, {
        aliases: distribution.aliases,
        server: serveDistribution(distribution, reach, context),
      });
      return { ref: id, attributes: { Id: id, DomainName: domainName } };
    },
  };

  return {
    name: "cloudfront",
    resources: {
      "AWS::CloudFront::Function": functionProvider,
      "AWS::CloudFront::Distribution": distributionProvider,
      "AWS::CloudFront::OriginAccessControl": {
        properties: {
          OriginAccessControlConfig: { inert: "That an origin names one is what counts: buckets check the policy." },
        },
        async deploy(logicalId) {
          const id = derivedId(context, logicalId, "distribution");
          return { ref: id, attributes: { Id: id } };
        },
      },
      "AWS::CloudFront::CachePolicy": policyProvider("CachePolicyConfig", cachePolicies, readCachePolicy),
      "AWS::CloudFront::OriginRequestPolicy": policyProvider(
        "OriginRequestPolicyConfig",
        originRequestPolicies,
        readOriginRequestPolicy,
      ),
      "AWS::CloudFront::ResponseHeadersPolicy": policyProvider(
        "ResponseHeadersPolicyConfig",
        responseHeadersPolicies,
        readResponseHeadersPolicy,
      ),
    },
    api: { signingName: "cloudfront", handle: async (request) => handleApi(request) },
    permissions: (request) => {
      const id = INVALIDATION.exec(request.path)?.[1] ?? "*";
      const resource = `arn:aws:cloudfront::${context.accountId}:distribution/${id}`;
      return [{ action: "cloudfront:CreateInvalidation", resource }];
    },
    find(name) {
      const all = [...distributions.values()];
      const found =
        all.find(({ aliases }) => aliases.includes(name)) ??
        all.find(({ aliases }) => aliases.some((alias) => matchesAlias(alias, name)));
      return found?.server;
    },
    async stop() {
      agent.destroy();
    },
  };

  function policyProvider<T>(
    property: string,
    policies: Map<string, T>,
    read: (config: Record<string, unknown>) => T,
  ): ResourceProvider {
    return {
      properties: { [property]: "executed" },
      async deploy(logicalId, properties) {
        const id = derivedId(context, logicalId, "uuid");
        policies.set(id, read(properties[property] as Record<string, unknown>));
        return { ref: id, attributes: { Id: id, LastModifiedTime: new Date(context.clock.now()).toISOString() } };
      },
    };
  }

  /** CreateInvalidation is the one operation: there is no cache, so it is complete at once. */
  function handleApi(request: ApiRequest): ApiResponse {
    try {
      const id = INVALIDATION.exec(request.path)?.[1];
      if (request.method !== "POST" || id === undefined) {
        throw new ApiError("InvalidAction", `cloudfront: ${request.method} ${request.path} is not modelled.`, 404);
      }
      if (!distributions.has(id)) throw new ApiError("NoSuchDistribution", `There is no distribution ${id}.`, 404);
      const body = request.body.toString();
      const answer = xmlAnswer(
        "Invalidation",
        {
          Id: `I${context.random.bytes(7).toString("hex").toUpperCase()}`,
          Status: "Completed",
          CreateTime: new Date(context.clock.now()).toISOString(),
          InvalidationBatch: {
            CallerReference: /<CallerReference>([^<]*)</.exec(body)?.[1] ?? "",
            Paths: { Quantity: Number(/<Quantity>(\d+)</.exec(body)?.[1] ?? 0) },
          },
        },
        201,
      );
      return answer;
    } catch (error) {
      return restXmlError(toApiError(error));
    }
  }
}

const INVALIDATION = /^\/2020-05-31\/distribution\/([A-Z0-9]+)\/invalidation\/?$/;

function get<T>(map: ReadonlyMap<string, T>, key: string, what: string): T {
  const found = map.get(key);
  if (found === undefined) throw new Error(`There is no ${what} ${key}, or it is not modelled.`);
  return found;
}
