import { isDeepStrictEqual } from "node:util";
import type { Endpoint } from "../endpoint/create-endpoint.ts";
import { uuid } from "../identifier.ts";
import type { ApiRequest, ApiResponse, Deployed, FunctionInvoker, Service, ServiceContext, Timer } from "../service.ts";
import { openState } from "../state.ts";

/** What a custom resource was last time: kept, so that a start runs only what changed. */
interface Known {
  readonly type: string;
  readonly physicalId: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: Readonly<Record<string, unknown>>;
}

export interface CloudFormationDependencies {
  readonly functions: FunctionInvoker;
  readonly endpoint: Endpoint;
  readonly stackName: string;
}

export interface CloudFormation extends Service {
  /** Deletes custom resources that an earlier template had and this one has not. */
  deleteOrphans(logicalIds: ReadonlySet<string>): Promise<void>;
}

/** CloudFormation waits an hour for an answer unless the resource names its own `ServiceTimeout`. */
const defaultTimeoutMs = 3600_000;

const customResource = "AWS::CloudFormation::CustomResource";
const routePrefix = "/cloudformation-custom-resource-response/";

/** Custom resources, by CloudFormation's own protocol: an event to the function, and its answer by PUT to `ResponseURL`. */
export function createCloudFormation(
  context: ServiceContext,
  dependencies: CloudFormationDependencies,
): CloudFormation {
  const { clock, log, random } = context;
  const { endpoint, functions, stackName } = dependencies;
  const state = openState<Record<string, Known>>(context.stateDirectory, "custom-resources", {});
  const waiting = new Map<string, (reply: Reply) => void>();
  const timers = new Set<Timer>();

  endpoint.serveUnsigned({
    prefix: routePrefix,
    async handle(request: ApiRequest): Promise<ApiResponse> {
      const token = request.path.slice(routePrefix.length);
      const resolve = waiting.get(token);
      if (request.method !== "PUT" || resolve === undefined) return { status: 404, headers: {}, body: "" };
      try {
        resolve(JSON.parse(request.body.toString("utf8")) as Reply);
      } catch {
        resolve({ Status: "FAILED", Reason: "Response is not valid JSON" });
      }
      waiting.delete(token);
      return { status: 200, headers: {}, body: "" };
    },
  });

  /** @throws Error with the function's reason */
  async function ask(
    requestType: string,
    logicalId: string,
    type: string,
    rest: Record<string, unknown>,
  ): Promise<Reply> {
    const properties = rest.ResourceProperties as Record<string, unknown>;
    const token = random.bytes(32).toString("base64url");
    const timeoutMs = Number(properties.ServiceTimeout ?? defaultTimeoutMs / 1000) * 1000;
    const answered = new Promise<Reply>((resolve) => waiting.set(token, resolve));
    const late = new Promise<Reply>((resolve) => {
      const timer = clock.setTimeout(
        () => resolve({ Status: "FAILED", Reason: "No response was received in time" }),
        timeoutMs,
      );
      timers.add(timer);
      void answered.then(() => timer.cancel());
    });
    const invoked = functions.invoke(String(properties.ServiceToken), {
      RequestType: requestType,
      ResponseURL: `${endpoint.url}${routePrefix}${token}`,
      StackId: `arn:aws:cloudformation:${context.region}:${context.accountId}:stack/${stackName}/local`,
      RequestId: uuid(random),
      ResourceType: type,
      LogicalResourceId: logicalId,
      ...rest,
    });
    // CloudFormation would wait until the end for a function that failed; its error says more.
    const failed = invoked.then((result): Promise<Reply> | Reply =>
      result.ok ? answered : { Status: "FAILED", Reason: `${result.error.errorType}: ${result.error.errorMessage}` },
    );
    const reply = await Promise.race([answered, late, failed]);
    waiting.delete(token);
    for (const timer of timers) timer.cancel();
    timers.clear();
    if (reply.Status !== "SUCCESS") throw new Error(reply.Reason ?? "the custom resource failed without a reason");
    return reply;
  }

  async function deploy(
    logicalId: string,
    given: Readonly<Record<string, unknown>>,
    type = customResource,
  ): Promise<Deployed> {
    const properties = asTexts(given) as Record<string, unknown>;
    if (typeof properties.ServiceToken !== "string") throw new Error("ServiceToken is missing");
    const known = Object.hasOwn(state.value, logicalId) ? state.value[logicalId] : undefined;
    if (known !== undefined && known.type === type && isDeepStrictEqual(known.properties, properties))
      return describe(known);
    const reply =
      known === undefined
        ? await ask("Create", logicalId, type, { ResourceProperties: properties })
        : await ask("Update", logicalId, type, {
            PhysicalResourceId: known.physicalId,
            ResourceProperties: properties,
            OldResourceProperties: known.properties,
          });
    const physicalId = reply.PhysicalResourceId ?? known?.physicalId;
    if (physicalId === undefined) throw new Error("the function's response has no PhysicalResourceId");
    const next: Known = { type, physicalId, properties, data: reply.Data ?? {} };
    state.value[logicalId] = next;
    state.save();
    // Another id means another resource: the earlier one is deleted once the new one is there.
    if (known !== undefined && known.physicalId !== physicalId) await remove(logicalId, known);
    return describe(next);
  }

  async function remove(logicalId: string, known: Known): Promise<void> {
    const rest = { PhysicalResourceId: known.physicalId, ResourceProperties: known.properties };
    await ask("Delete", logicalId, known.type, rest).catch((error: unknown) => {
      log.warn(`${logicalId} (${known.type}) could not be deleted`, { error: String(error) });
    });
  }

  return {
    name: "cloudformation",
    resources: {
      [customResource]: { properties: { "*": "executed" }, deploy },
      "AWS::CDK::Metadata": {
        properties: { "*": { inert: "says which constructs made the template" } },
        deploy: async (logicalId) => ({ ref: logicalId }),
      },
    },
    async deleteOrphans(logicalIds) {
      for (const [logicalId, known] of Object.entries(state.value)) {
        if (logicalIds.has(logicalId)) continue;
        await remove(logicalId, known);
        delete state.value[logicalId];
        state.save();
      }
    },
    async stop() {
      for (const timer of timers) timer.cancel();
    },
  };
}

function describe(known: Known): Deployed {
  return { ref: known.physicalId, attributes: known.data };
}

/** CloudFormation hands numbers and booleans to custom resources as text. */
function asTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asTexts);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asTexts(item)]));
  }
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}
