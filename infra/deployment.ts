import { CustomResource, Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { AtelierFunction } from "./atelier-function.ts";
import type { DashboardSite } from "./dashboard-site.ts";
import type { Parameters } from "./parameters.ts";
import { ROOT_KEY_PARAMETER, writeRootKey } from "./root-key.ts";
import type { WorkspaceEdge } from "./workspace-edge.ts";

export interface DeploymentProps {
  readonly buildDirectory: string;
  readonly parameters: Parameters;
  readonly site: DashboardSite;
  readonly edge: WorkspaceEdge;
  /** Changes with the site's files. */
  readonly siteHash: string;
}

/** Raise it by one to rotate the root key: what the one before signed stays good until the next. */
const KEY_GENERATION = "1";

/** What CloudFormation cannot do: secret keys, and files in the bucket. */
export class Deployment extends Construct {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id);
    const makeKeys = new AtelierFunction(this, "MakeKeys", {
      name: "make-keys",
      buildDirectory: props.buildDirectory,
      description: "Makes the root key, and gives the edge its own",
      timeout: Duration.minutes(1),
    }).bind(writeRootKey(this), props.edge.keys);
    const keys = new CustomResource(this, "Keys", {
      resourceType: "Custom::Keys",
      serviceToken: makeKeys.function.functionArn,
      properties: {
        RootKeyParameter: ROOT_KEY_PARAMETER,
        KeyValueStoreArn: props.edge.keyValueStoreArn,
        DashboardOrigin: props.parameters.dashboardOrigin,
        WorkspaceHostSuffix: props.parameters.workspaceHostSuffix,
        Generation: KEY_GENERATION,
      },
    });
    keys.node.addDependency(makeKeys);

    const publishSite = new AtelierFunction(this, "PublishSite", {
      name: "publish-site",
      buildDirectory: props.buildDirectory,
      description: "Puts the dashboard's files into its bucket",
      timeout: Duration.minutes(5),
    }).bind(props.site.publishing);
    const site = new CustomResource(this, "Site", {
      resourceType: "Custom::Site",
      serviceToken: publishSite.function.functionArn,
      properties: {
        BucketName: props.site.bucket.bucketName,
        DistributionId: props.site.distribution.distributionId,
        SiteHash: props.siteHash,
      },
    });
    site.node.addDependency(publishSite);
  }
}
