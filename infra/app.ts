import { fileURLToPath } from "node:url";
import { App, Validations } from "aws-cdk-lib";
import recommendedFlags from "aws-cdk-lib/recommended-feature-flags.json" with { type: "json" };
import { AtelierStack } from "./atelier-stack.ts";
import { failOnFindings } from "./fail-on-findings.ts";

/** Rules of CDK's own check that are wrong here. */
const ACKNOWLEDGED = {
  "CloudFormation-Validate::W2509":
    "OidcClientSecretParameter is the name of a parameter that holds a secret, not the secret.",
};

const root = fileURLToPath(new URL("..", import.meta.url));

// `cdk deploy` names another folder.
const outdir = process.env.CDK_OUTDIR ?? `${root}cdk.out`;
const app = new App({
  outdir,
  analyticsReporting: false,
  treeMetadata: false,
  context: {
    ...recommendedFlags,
    // Errors of CDK's own check of the template end the synthesis; so do its warnings, see below.
    "@aws-cdk/core:validateAgainstDefaultRules": true,
  },
});
for (const [id, reason] of Object.entries(ACKNOWLEDGED)) Validations.of(app).acknowledge({ id, reason });
new AtelierStack(app, "Atelier", {
  buildDirectory: `${root}build`,
  edgeFunction: `${root}edge/viewer-request.js`,
  dashboardDomain: app.node.tryGetContext("dashboardDomain"),
  workspaceDomain: app.node.tryGetContext("workspaceDomain"),
});
app.synth();
failOnFindings(outdir);
