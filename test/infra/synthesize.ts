import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { FUNCTIONS } from "../../build.ts";
import { AtelierStack, type AtelierStackProps } from "../../infra/atelier-stack.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** The stack over bundles that do nothing: what it says of them does not depend on what they do. */
export function synthesize(props: Partial<AtelierStackProps> = {}): Template {
  const folder = mkdtempSync(join(tmpdir(), "atelier-infra-"));
  try {
    for (const name of Object.keys(FUNCTIONS)) {
      mkdirSync(join(folder, "functions", name), { recursive: true });
      writeFileSync(join(folder, "functions", name, "index.mjs"), `// ${name}`);
    }
    mkdirSync(join(folder, "frontend"));
    writeFileSync(join(folder, "frontend/index.html"), "");
    // CDK's own check has its test in fail-on-findings.test.ts.
    const outdir = join(folder, "out");
    const app = new App({ outdir, analyticsReporting: false, builtinCloudFormationValidation: false });
    const stack = new AtelierStack(app, "Atelier", {
      buildDirectory: folder,
      edgeFunction: join(ROOT, "edge/viewer-request.js"),
      ...props,
    });
    return Template.fromStack(stack);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything that a function's role may do. */
export function grantsOf(template: Template, logicalIdOfFunction: string): Statement[] {
  const lambda = template.findResources("AWS::Lambda::Function")[logicalIdOfFunction];
  const role = lambda?.Properties.Role["Fn::GetAtt"][0] as string;
  return Object.values(template.findResources("AWS::IAM::Policy"))
    .filter((policy) => policy.Properties.Roles.some((item: { Ref: string }) => item.Ref === role))
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]);
}

/** Logical id and properties of a function, by its folder's name. */
export function functionNamed(template: Template, name: string): { id: string; properties: Record<string, never> } {
  const start = name.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
  const found = Object.entries(template.findResources("AWS::Lambda::Function")).find(([id]) =>
    new RegExp(`^(ControlPlane|Deployment)${start}Function`).test(id),
  );
  if (!found) throw new Error(`The template has no function ${name}.`);
  return { id: found[0], properties: found[1].Properties };
}

export function actionsOf(statements: readonly Statement[]): string[] {
  return [...new Set(statements.flatMap(({ Action }) => Action))].sort();
}
