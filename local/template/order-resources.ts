import type { Template, TemplateResource } from "./load-template.ts";
import { attributeReference, intrinsicCall } from "./resolve-intrinsics.ts";

/** For every resource (of `included`) the resources that must be deployed before it: by reference and by `DependsOn`. */
export function findDependencies(template: Template, included: ReadonlySet<string>): Map<string, Set<string>> {
  const dependencies = new Map<string, Set<string>>();
  for (const logicalId of included) {
    const resource = template.Resources[logicalId];
    if (resource === undefined) continue;
    const found = new Set([...explicitDependencies(resource), ...references(resource.Properties ?? {})]);
    dependencies.set(logicalId, new Set([...found].filter((name) => included.has(name))));
  }
  return dependencies;
}

/** An order in which every resource comes after what it depends on. @throws Error that names a cycle's members in order */
export function orderResources(dependencies: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (logicalId: string): void => {
    if (done.has(logicalId)) return;
    const start = path.indexOf(logicalId);
    if (start >= 0) {
      throw new Error(`The template has a circular dependency: ${[...path.slice(start), logicalId].join(" → ")}`);
    }
    path.push(logicalId);
    for (const dependency of dependencies.get(logicalId) ?? []) visit(dependency);
    path.pop();
    done.add(logicalId);
    order.push(logicalId);
  };
  for (const logicalId of dependencies.keys()) visit(logicalId);
  return order;
}

function explicitDependencies(resource: TemplateResource): readonly string[] {
  const { DependsOn: dependsOn = [] } = resource;
  return typeof dependsOn === "string" ? [dependsOn] : dependsOn;
}

/** Every name that a value refers to, parameters among them. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  const call = intrinsicCall(value as Record<string, unknown>);
  if (call?.name === "Ref") return [String(call.argument)];
  if (call?.name === "Fn::GetAtt") return [attributeReference(call.argument)[0]];
  if (call?.name === "Fn::Sub") return [...substitutions(call.argument), ...references(call.argument)];
  return Object.values(value).flatMap(references);
}

function substitutions(argument: unknown): string[] {
  const text = String(Array.isArray(argument) ? argument[0] : argument);
  return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => (match[1] ?? "").split(".")[0] ?? "");
}
