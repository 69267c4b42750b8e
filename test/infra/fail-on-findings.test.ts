import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { failOnFindings } from "../../infra/fail-on-findings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atelier-findings-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("ends a synthesis in which CDK's own check only warns", () => {
  // A program of its own: CDK checks when an app ends.
  const app = `
    import { App, Stack } from "aws-cdk-lib";
    import { CfnParameter } from "aws-cdk-lib/core";
    const app = new App({ outdir: ${JSON.stringify(folder)}, analyticsReporting: false });
    new CfnParameter(new Stack(app, "Probe"), "MasterPassword", { type: "String" });
    app.synth();`;
  execFileSync(process.execPath, ["--input-type=module", "-e", app], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: "ignore",
  });
  expect(() => failOnFindings(folder)).toThrow(/W2509: .*MasterPassword/);
});

it("lets pass what has no findings, or only acknowledged ones", () => {
  expect(() => failOnFindings(folder)).not.toThrow();
  writeFileSync(
    join(folder, "validation-report.json"),
    JSON.stringify({ pluginReports: [{ violations: [], suppressedViolations: [{ ruleName: "W2509" }] }] }),
  );
  expect(() => failOnFindings(folder)).not.toThrow();
});
