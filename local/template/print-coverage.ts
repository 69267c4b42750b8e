import { realClock, realRandom } from "../clock.ts";
import { createServices } from "../create-services.ts";
import { createProcessEngine } from "../ecs/engines/process/create-process-engine.ts";
import { workerRuntime } from "../lambda/worker-runtime.ts";
import type { Logger, ResourceProvider } from "../service.ts";
import { buildRegistry, providerOf, type Registry } from "./check-template.ts";
import { loadSynthesized, type Template } from "./load-template.ts";

// Prints which resource types and properties the embedded cloud executes, which have no effect here and why. Everything
// else is refused at start. With a folder as argument (cdk.out), only what that template uses.
//
//   node local/template/print-coverage.ts [cdk.out]

const log: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const context = {
  clock: realClock,
  random: realRandom,
  log,
  stateDirectory: undefined,
  region: "us-east-1",
  accountId: "000000000000",
};
const services = await createServices(() => context, {
  stackName: "none",
  assets: {},
  runtime: workerRuntime,
  engine: (volumes) => createProcessEngine({ ...context, imageFile: "", placeholders: {}, volumes }),
});
const registry = buildRegistry(services.all.map((service) => service.resources));
const directory = process.argv[2];
const used = directory === undefined ? undefined : usedProperties(loadSynthesized(directory).template);
process.stdout.write(coverageTable(registry, used));
for (const service of services.all.toReversed()) await service.stop?.();

/** Type → its properties that a template uses. */
function usedProperties(template: Template): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { Type: type, Properties: properties = {} } of Object.values(template.Resources)) {
    found.set(type, new Set([...(found.get(type) ?? []), ...Object.keys(properties)]));
  }
  return found;
}

function coverageTable(all: Registry, only: ReadonlyMap<string, ReadonlySet<string>> | undefined): string {
  const types = only === undefined ? [...all.keys()] : [...only.keys()];
  const rows = types.toSorted().flatMap((type) => {
    const provider = providerOf(all, type);
    if (provider === undefined) return [`| \`${type}\` | all | refused |`];
    return describeType(type, provider, only?.get(type));
  });
  return ["| type | properties | here |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

/** One row for what is executed, and one for each reason. */
function describeType(type: string, provider: ResourceProvider, only: ReadonlySet<string> | undefined): string[] {
  const names = only === undefined ? Object.keys(provider.properties) : [...only];
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const disposition = provider.properties[name] ?? provider.properties["*"];
    const here =
      disposition === undefined ? "refused" : disposition === "executed" ? "executed" : `inert: ${disposition.inert}`;
    groups.set(here, [...(groups.get(here) ?? []), name === "*" ? "all" : `\`${name}\``]);
  }
  if (groups.size === 0) return [`| \`${type}\` | none | executed |`];
  return [...groups].map(([here, properties]) => `| \`${type}\` | ${properties.join(", ")} | ${here} |`);
}
