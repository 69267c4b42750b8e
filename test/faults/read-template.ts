/** The synthesized template, as histories deploy it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLocalParameters } from "#local/read-local-parameters.ts";
import { loadSynthesized, type Synthesized } from "#local/template/load-template.ts";

export const ROOT = join(import.meta.dirname, "../..");

let synthesized: Synthesized | undefined;

/** The template without what is made once and never again: keys are there, and no browser fetches the site. */
export function readTemplate(): Synthesized {
  if (synthesized === undefined) {
    const all = loadSynthesized(readLocalParameters(ROOT).synthesized);
    const kept = Object.entries(all.template.Resources).filter(([, { Type }]) => !Type.startsWith("Custom::"));
    synthesized = { ...all, template: { ...all.template, Resources: Object.fromEntries(kept) } };
  }
  return synthesized;
}

/** Whether the template has an alarm on a queue. */
export function alarmedQueues(): Set<string> {
  const file = join(readLocalParameters(ROOT).synthesized, "Atelier.template.json");
  const { Resources } = JSON.parse(readFileSync(file, "utf8")) as Synthesized["template"];
  const alarms = Object.values(Resources).filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
  const names = alarms.flatMap(
    ({ Properties }) => (Properties?.Dimensions ?? []) as { Name: string; Value: Record<string, [string]> }[],
  );
  return new Set(
    names.filter(({ Name }) => Name === "QueueName").map(({ Value }) => `atelier-${Value["Fn::GetAtt"]?.[0]}`),
  );
}
