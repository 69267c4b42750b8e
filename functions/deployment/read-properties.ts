/** Properties of a custom resource, all texts. */
import type { CustomResourceEvent } from "#functions/runtime/aws-events.ts";

/** @throws Error that names what is missing */
export function readProperties<N extends string>(event: CustomResourceEvent, names: readonly N[]): Record<N, string> {
  const entries = names.map((name) => {
    const value = event.ResourceProperties[name];
    if (typeof value !== "string" || value === "")
      throw new Error(`The property ${name} of ${event.LogicalResourceId} is missing.`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as Record<N, string>;
}
