import type { ResourceProvider } from "../service.ts";
import type { Template } from "./load-template.ts";

/** Every resource type that some service deploys. */
export type Registry = ReadonlyMap<string, ResourceProvider>;

/** @throws Error when two services claim one type */
export function buildRegistry(claims: Iterable<Readonly<Record<string, ResourceProvider>>>): Registry {
  const registry = new Map<string, ResourceProvider>();
  for (const claim of claims) {
    for (const [type, provider] of Object.entries(claim)) {
      if (registry.has(type)) throw new Error(`Two services deploy ${type}`);
      registry.set(type, provider);
    }
  }
  return registry;
}

/** The provider of a type; every `Custom::...` type is deployed by the one of `AWS::CloudFormation::CustomResource`. */
export function providerOf(registry: Registry, type: string): ResourceProvider | undefined {
  return (
    registry.get(type) ??
    (type.startsWith("Custom::") ? registry.get("AWS::CloudFormation::CustomResource") : undefined)
  );
}

/** One line for every type and property that nobody executes and nobody declares inert: `<logical id>: ...`. */
export function findRefusals(template: Template, included: Iterable<string>, registry: Registry): string[] {
  return [...included].flatMap((logicalId) => {
    const resource = template.Resources[logicalId];
    if (resource === undefined) return [];
    const provider = providerOf(registry, resource.Type);
    if (provider === undefined) return [`${logicalId}: ${resource.Type} is not modelled by the embedded cloud`];
    if (Object.hasOwn(provider.properties, "*")) return [];
    return Object.keys(resource.Properties ?? {})
      .filter((property) => !Object.hasOwn(provider.properties, property))
      .map((property) => `${logicalId}: ${property} of ${resource.Type} is not modelled by the embedded cloud`);
  });
}
