import { readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

/** A synthesized CloudFormation template, as far as it is read here. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
}
export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  readonly ConstraintDescription?: string;
  readonly MinLength?: number;
  readonly MaxLength?: number;
  readonly MinValue?: number;
  readonly MaxValue?: number;
}
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly Condition?: string;
}

/** A template with its assets: `assets[hash]` is the absolute folder (or file) of what stands under that hash. */
export interface Synthesized {
  readonly stackName: string;
  readonly template: Template;
  readonly assets: Readonly<Record<string, string>>;
}

/**
 * Reads `<Stack>.template.json` and `<Stack>.assets.json` of a CDK output directory.
 * @throws Error when the directory holds no template, or several
 */
export function loadSynthesized(directory: string): Synthesized {
  const suffix = ".template.json";
  const templates = listDirectory(directory).filter((name) => name.endsWith(suffix));
  const [file] = templates;
  if (file === undefined) throw new Error(`${directory} holds no *${suffix}: synthesize the stack first.`);
  if (templates.length > 1)
    throw new Error(`${directory} holds several stacks (${templates.join(", ")}): one is expected.`);
  const stackName = basename(file, suffix);
  return {
    stackName,
    template: readJson<Template>(join(directory, file)),
    assets: readAssets(directory, `${stackName}.assets.json`),
  };
}

function readAssets(directory: string, name: string): Record<string, string> {
  if (!listDirectory(directory).includes(name)) return {};
  const manifest = readJson<{ files?: Record<string, { source: { path: string } }> }>(join(directory, name));
  const entries = Object.entries(manifest.files ?? {});
  return Object.fromEntries(entries.map(([hash, file]) => [hash, resolve(directory, file.source.path)]));
}

function listDirectory(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw new Error(`${directory} cannot be read: synthesize the stack first.`, { cause });
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
