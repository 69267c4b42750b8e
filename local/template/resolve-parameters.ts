import type { Template, TemplateParameter } from "./load-template.ts";

/**
 * The template's parameters with the given values, defaults filled in and constraints checked.
 * @throws Error that lists everything that is wrong: unknown, missing and unsuitable values
 */
export function resolveParameters(
  template: Template,
  given: Readonly<Record<string, string>>,
): Record<string, string | string[]> {
  const declared = template.Parameters ?? {};
  const faults = Object.keys(given)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `${name}: the template has no such parameter`);
  const values: Record<string, string | string[]> = {};
  for (const [name, parameter] of Object.entries(declared)) {
    const value = given[name] ?? parameter.Default;
    if (value === undefined) {
      faults.push(`${name}: no value and no default`);
      continue;
    }
    const fault = parameterFault(parameter, String(value));
    if (fault !== undefined) faults.push(`${name}: ${fault}`);
    values[name] = isList(parameter) ? splitList(String(value)) : String(value);
  }
  if (faults.length > 0) throw new Error(`The template's parameters are wrong:\n  ${faults.join("\n  ")}`);
  return values;
}

function parameterFault(parameter: TemplateParameter, value: string): string | undefined {
  const { AllowedValues: allowed, AllowedPattern: pattern } = parameter;
  if (allowed !== undefined && !allowed.map(String).includes(value)) {
    return `${JSON.stringify(value)} is none of ${allowed.join(", ")}`;
  }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(value)) {
    return parameter.ConstraintDescription ?? `${JSON.stringify(value)} does not match ${pattern}`;
  }
  if (value.length < (parameter.MinLength ?? 0)) return `is shorter than ${parameter.MinLength}`;
  if (value.length > (parameter.MaxLength ?? Number.POSITIVE_INFINITY)) return `is longer than ${parameter.MaxLength}`;
  if (parameter.Type !== "Number") return undefined;
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number)) return `${JSON.stringify(value)} is no number`;
  if (number < (parameter.MinValue ?? Number.NEGATIVE_INFINITY)) return `is less than ${parameter.MinValue}`;
  if (number > (parameter.MaxValue ?? Number.POSITIVE_INFINITY)) return `is more than ${parameter.MaxValue}`;
  return undefined;
}

function isList(parameter: TemplateParameter): boolean {
  return parameter.Type === "CommaDelimitedList" || parameter.Type.startsWith("List<");
}

function splitList(value: string): string[] {
  return value === "" ? [] : value.split(",").map((item) => item.trim());
}
