/** `AWS::CloudFront::KeyValueStore` and its data API (REST-JSON, signed with SigV4A by the SDK's client). */
import { ApiError } from "#local/endpoint/api-error.ts";
import { answerRestJson, type RestRoute } from "#local/endpoint/rest-json.ts";
import type { ApiRequest, ApiResponse, Service, ServiceContext } from "#local/service.ts";
import { openState, type StateFile } from "#local/state.ts";
import { derivedId } from "./derived-id.ts";
import type { KeyValueReader } from "./edge-function.ts";

/** Limits of a store (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html). */
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 1_024;
const MAX_STORE_BYTES = 5 * 1_024 * 1_024;
const MAX_CHANGES = 50;
const MAX_UPDATE_BYTES = 3 * 1_024 * 1_024;

interface StoreState {
  /** Grows with each change; the ETag. One for the whole store. */
  version: number;
  createdAt: number;
  modifiedAt: number;
  keys: Record<string, string>;
}

export interface KeyValueStores extends Service {
  /** @returns the store as a function sees it, or `undefined` when there is none of this ARN */
  find(arn: string): KeyValueReader | undefined;
}

export function createKeyValueStores(context: ServiceContext): KeyValueStores {
  const stores = new Map<string, StateFile<StoreState>>();

  function open(arn: string): StateFile<StoreState> {
    const store = stores.get(arn);
    if (!store) throw new ApiError("ResourceNotFoundException", `There is no key value store ${arn}.`, 404);
    return store;
  }

  function change(arn: string, request: ApiRequest, puts: [string, string][], deletes: string[]): ApiResponse {
    const store = open(arn);
    const expected = request.headers["if-match"];
    if (expected === undefined) throw new ApiError("ValidationException", "If-Match is missing.", 400);
    if (expected !== etag(store.value)) {
      throw new ApiError("ConflictException", "The store has changed: read its ETag again.", 409);
    }
    const keys = changed(store.value.keys, puts, deletes);
    store.value = {
      ...store.value,
      keys,
      version: store.value.version + 1,
      modifiedAt: context.clock.now(),
    };
    store.save();
    return {
      status: 200,
      headers: { "content-type": "application/json", etag: etag(store.value) },
      body: JSON.stringify(size(store.value)),
    };
  }

  const routes: RestRoute[] = [
    {
      method: "GET",
      path: "/key-value-stores/{arn}",
      handle(_request, { arn = "" }) {
        const { value } = open(arn);
        const body = {
          ...size(value),
          KvsARN: arn,
          Created: value.createdAt / 1_000,
          LastModified: value.modifiedAt / 1_000,
          Status: "READY",
        };
        return {
          status: 200,
          headers: { "content-type": "application/json", etag: etag(value) },
          body: JSON.stringify(body),
        };
      },
    },
    {
      method: "GET",
      path: "/key-value-stores/{arn}/keys/{key}",
      handle(_request, { arn = "", key = "" }) {
        const { value } = open(arn);
        const found = value.keys[key];
        if (found === undefined) throw new ApiError("ResourceNotFoundException", `There is no key ${key}.`, 404);
        return { Key: key, Value: found, ...size(value) };
      },
    },
    {
      method: "GET",
      path: "/key-value-stores/{arn}/keys",
      handle: (request, { arn = "" }) => list(open(arn).value, request.query),
    },
    {
      method: "PUT",
      path: "/key-value-stores/{arn}/keys/{key}",
      handle: (request, { arn = "", key = "" }) =>
        change(arn, request, [[key, String((JSON.parse(request.body.toString()) as { Value: string }).Value)]], []),
    },
    {
      method: "DELETE",
      path: "/key-value-stores/{arn}/keys/{key}",
      handle(request, { arn = "", key = "" }) {
        if (open(arn).value.keys[key] === undefined) {
          throw new ApiError("ResourceNotFoundException", `There is no key ${key}.`, 404);
        }
        return change(arn, request, [], [key]);
      },
    },
    {
      method: "POST",
      path: "/key-value-stores/{arn}/keys",
      handle(request, { arn = "" }) {
        const input = JSON.parse(request.body.toString()) as {
          Puts?: { Key: string; Value: string }[];
          Deletes?: { Key: string }[];
        };
        const puts = (input.Puts ?? []).map((put): [string, string] => [put.Key, put.Value]);
        return change(
          arn,
          request,
          puts,
          (input.Deletes ?? []).map((item) => item.Key),
        );
      },
    },
  ];

  return {
    name: "cloudfront-keyvaluestore",
    resources: {
      "AWS::CloudFront::KeyValueStore": {
        properties: { Name: "executed", Comment: { inert: "A description." } },
        deploy: async (logicalId, properties) => {
          const id = derivedId(context, logicalId, "uuid");
          const arn = `arn:aws:cloudfront::${context.accountId}:key-value-store/${id}`;
          const now = context.clock.now();
          const initial: StoreState = { version: 1, createdAt: now, modifiedAt: now, keys: {} };
          stores.set(arn, openState(context.stateDirectory, logicalId, initial));
          return { ref: String(properties.Name ?? logicalId), attributes: { Arn: arn, Id: id, Status: "READY" } };
        },
      },
    },
    api: { signingName: "cloudfront-keyvaluestore", handle: (request) => answerRestJson(request, routes) },
    permissions: (request) => [{ action: actionOf(request), resource: arnOf(request) }],
    find(arn) {
      const store = stores.get(arn);
      if (!store) return undefined;
      return {
        get: (key) => (Object.hasOwn(store.value.keys, key) ? store.value.keys[key] : undefined),
        count: () => Object.keys(store.value.keys).length,
      };
    },
  };
}

function etag(state: StoreState): string {
  return `KV${state.version.toString(36).toUpperCase().padStart(12, "0")}`;
}

function size(state: StoreState): { ItemCount: number; TotalSizeInBytes: number } {
  const entries = Object.entries(state.keys);
  return {
    ItemCount: entries.length,
    TotalSizeInBytes: entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0),
  };
}

function changed(keys: Record<string, string>, puts: [string, string][], deletes: string[]): Record<string, string> {
  if (puts.length + deletes.length > MAX_CHANGES) {
    throw new ApiError("ValidationException", `An update changes at most ${MAX_CHANGES} keys.`, 400);
  }
  if (new Set([...puts.map(([key]) => key), ...deletes]).size < puts.length + deletes.length) {
    throw new ApiError("ValidationException", "A key stands twice in one update.", 400);
  }
  const next = { ...keys };
  for (const key of deletes) delete next[key];
  let bytes = 0;
  for (const [key, value] of puts) {
    if (typeof key !== "string" || typeof value !== "string" || key === "" || Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new ApiError("ValidationException", `A key is a text of 1 to ${MAX_KEY_BYTES} bytes.`, 400);
    }
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
      throw new ApiError("ValidationException", `A value has at most ${MAX_VALUE_BYTES} bytes.`, 400);
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    next[key] = value;
  }
  const total = size({ keys: next, version: 0, createdAt: 0, modifiedAt: 0 }).TotalSizeInBytes;
  if (bytes > MAX_UPDATE_BYTES || total > MAX_STORE_BYTES) {
    throw new ApiError("ServiceQuotaExceededException", "The store, or this update, is too large.", 402);
  }
  return next;
}

function list(state: StoreState, query: URLSearchParams): unknown {
  const keys = Object.keys(state.keys).sort();
  const start = keys.findIndex((key) => key > (query.get("NextToken") ?? ""));
  const count = Math.min(Number(query.get("MaxResults") ?? 50), 50);
  const page = start < 0 ? [] : keys.slice(start, start + count);
  const more = start >= 0 && start + count < keys.length;
  return {
    Items: page.map((key) => ({ Key: key, Value: state.keys[key] })),
    ...(more ? { NextToken: page.at(-1) } : {}),
  };
}

function arnOf(request: ApiRequest): string {
  return decodeURIComponent(request.path.split("/")[2] ?? "");
}

function actionOf({ method, path }: ApiRequest): string {
  const depth = path.split("/").length;
  const names: Record<string, string> = {
    "GET 3": "DescribeKeyValueStore",
    "GET 4": "ListKeys",
    "GET 5": "GetKey",
    "PUT 5": "PutKey",
    "DELETE 5": "DeleteKey",
    "POST 4": "UpdateKeys",
  };
  return `cloudfront-keyvaluestore:${names[`${method} ${depth}`] ?? "Unknown"}`;
}
