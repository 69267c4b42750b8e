import type { Deployed } from "../service.ts";
import { findRefusals, providerOf, type Registry } from "./check-template.ts";
import type { Template } from "./load-template.ts";
import { findDependencies, orderResources } from "./order-resources.ts";
import { resolveIntrinsics, type Scope } from "./resolve-intrinsics.ts";

export interface Stack {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: ReadonlyMap<string, Deployed>;
}

export interface DeployOptions {
  readonly template: Template;
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  readonly registry: Registry;
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
}

/**
 * Deploys the template: everything is checked first, then each resource is made as soon as what it refers to is there.
 * @throws Error that lists every refused type and property, or every resource that failed, by logical id
 */
export async function deployTemplate(options: DeployOptions): Promise<Stack> {
  const { template, registry } = options;
  const deployed = new Map<string, Deployed>();
  const scope = createScope(options, deployed);
  const included = new Set(
    Object.entries(template.Resources)
      .filter(([, resource]) => resource.Condition === undefined || scope.condition(resource.Condition))
      .map(([logicalId]) => logicalId),
  );
  const refusals = findRefusals(template, included, registry);
  if (refusals.length > 0) throw new Error(`The embedded cloud refuses the template:\n  ${refusals.join("\n  ")}`);

  const dependencies = findDependencies(template, included);
  const failures: string[] = [];
  const running = new Map<string, Promise<boolean>>();
  for (const logicalId of orderResources(dependencies)) {
    const before = [...(dependencies.get(logicalId) ?? [])].map((dependency) => running.get(dependency));
    running.set(logicalId, deployAfter(logicalId, before));
  }
  await Promise.all(running.values());
  if (failures.length > 0) throw new Error(`The template cannot be deployed:\n  ${failures.join("\n  ")}`);
  return { outputs: resolveOutputs(template, scope), resources: deployed };

  /** Whether it is there; one that waited for a failed one stays out without a word of its own. */
  async function deployAfter(logicalId: string, before: readonly (Promise<boolean> | undefined)[]): Promise<boolean> {
    const ready = await Promise.all(before);
    if (ready.includes(false)) return false;
    const resource = template.Resources[logicalId];
    const provider = resource && providerOf(registry, resource.Type);
    if (resource === undefined || provider === undefined) return false;
    try {
      const properties = resolveIntrinsics(resource.Properties ?? {}, scope) as Record<string, unknown>;
      deployed.set(logicalId, await provider.deploy(logicalId, properties, resource.Type));
      return true;
    } catch (error) {
      failures.push(`${logicalId} (${resource.Type}): ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }
}

function createScope(options: DeployOptions, deployed: ReadonlyMap<string, Deployed>): Scope {
  const { template, stackName, region, accountId } = options;
  const values: Record<string, unknown> = {
    ...options.parameters,
    "AWS::Region": region,
    "AWS::AccountId": accountId,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": stackName,
    "AWS::StackId": `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/local`,
    "AWS::NotificationARNs": [],
  };
  const scope: Scope = {
    ref: (name) => (Object.hasOwn(values, name) ? values[name] : deployed.get(name)?.ref),
    attribute(logicalId, name) {
      const resource = deployed.get(logicalId);
      if (resource === undefined) throw new Error(`Fn::GetAtt ${logicalId}.${name}: there is no such resource`);
      const attributes = resource.attributes ?? {};
      if (Object.hasOwn(attributes, name)) return attributes[name];
      throw new Error(`Fn::GetAtt ${logicalId}.${name}: the embedded cloud gives no such attribute`);
    },
    condition(name) {
      const conditions = template.Conditions ?? {};
      if (!Object.hasOwn(conditions, name)) throw new Error(`There is no condition ${name}`);
      return resolveIntrinsics(conditions[name], scope) === true;
    },
    mapping(map, first, second) {
      const value = template.Mappings?.[map]?.[first]?.[second];
      if (value === undefined) throw new Error(`Fn::FindInMap: there is no ${map}.${first}.${second}`);
      return value;
    },
  };
  return scope;
}

function resolveOutputs(template: Template, scope: Scope): Record<string, unknown> {
  const outputs = Object.entries(template.Outputs ?? {}).filter(
    ([, output]) => output.Condition === undefined || scope.condition(output.Condition),
  );
  return Object.fromEntries(outputs.map(([name, output]) => [name, resolveIntrinsics(output.Value, scope)]));
}
