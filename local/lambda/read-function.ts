import type { FunctionDefinition } from "./function-definition.ts";

export interface ReadFunctionOptions {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** Absolute folder of an asset by its hash. */
  readonly assets: Readonly<Record<string, string>>;
  /** What the program adds to, or puts instead of, the template's variables. */
  environment(variables: Readonly<Record<string, string>>): Record<string, string>;
  /** Folder that stands for an access point. @throws for an ARN that is none of one */
  resolveAccessPoint(arn: string): Promise<string>;
}

/** The function that a resource's properties describe. @throws Error that names the property whose value is not modelled */
export async function readFunction(
  properties: Readonly<Record<string, unknown>>,
  options: ReadFunctionOptions,
): Promise<FunctionDefinition> {
  const runtime = String(properties.Runtime);
  if (!/^nodejs2[0-9]\.x$/.test(runtime)) throw new Error(`Runtime: ${runtime} is not modelled, only Node.js ≥ 20 is`);
  const variables = (properties.Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};
  const texts = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
  return {
    name: options.name,
    arn: options.arn,
    logicalId: options.logicalId,
    codeDirectory: findCode(properties.Code, options.assets),
    handler: String(properties.Handler),
    timeoutMs: Number(properties.Timeout ?? 3) * 1000,
    memoryMb: Number(properties.MemorySize ?? 128),
    reservedConcurrency:
      properties.ReservedConcurrentExecutions === undefined
        ? undefined
        : Number(properties.ReservedConcurrentExecutions),
    environment: options.environment(
      await rewriteMounts(texts, properties.FileSystemConfigs, options.resolveAccessPoint),
    ),
  };
}

function findCode(code: unknown, assets: Readonly<Record<string, string>>): string {
  const key = (code as { S3Key?: unknown } | undefined)?.S3Key;
  if (typeof key !== "string") throw new Error("Code: only bundled assets (S3Key) are modelled");
  const folder = assets[key.replace(/\.zip$/, "")];
  if (folder === undefined) throw new Error(`Code: the asset manifest has no ${key}`);
  return folder;
}

/**
 * A worker has no mount of its own, so variables that begin with a mount path name the folder behind the access point.
 */
async function rewriteMounts(
  variables: Readonly<Record<string, string>>,
  configs: unknown,
  resolveAccessPoint: (arn: string) => Promise<string>,
): Promise<Record<string, string>> {
  const mounts = await Promise.all(
    ((configs ?? []) as { Arn: string; LocalMountPath: string }[]).map(async ({ Arn: arn, LocalMountPath: path }) => ({
      path,
      folder: await resolveAccessPoint(arn),
    })),
  );
  const rewrite = (value: string): string => {
    const mount = mounts.find(({ path }) => value === path || value.startsWith(`${path}/`));
    return mount === undefined ? value : mount.folder + value.slice(mount.path.length);
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, rewrite(value)]));
}
