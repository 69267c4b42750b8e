import { existsSync } from "node:fs";
import { CfnOutput, DefaultStackSynthesizer, FileSystem as Files, type IStackSynthesizer, Stack } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { Bus } from "./bus.ts";
import { checkDomains } from "./check-domains.ts";
import { ControlPlane } from "./control-plane.ts";
import { DashboardSite } from "./dashboard-site.ts";
import { Deployment } from "./deployment.ts";
import { Events } from "./events.ts";
import { FileSystem } from "./file-system.ts";
import { LaunchQueue } from "./launch-queue.ts";
import { Network } from "./network.ts";
import { Parameters } from "./parameters.ts";
import { RequestApi } from "./request-api.ts";
import { SocketApi } from "./socket-api.ts";
import { Table } from "./table.ts";
import { WorkspaceEdge } from "./workspace-edge.ts";
import { WorkspaceTasks } from "./workspace-tasks.ts";

export interface AtelierStackProps {
  /** Folder with `functions/<name>/index.mjs` and `frontend/`. */
  readonly buildDirectory: string;
  /** The edge function's source. */
  readonly edgeFunction: string;
  /** Defaults of the template's parameters; without them whoever deploys must say. */
  readonly dashboardDomain?: string | undefined;
  readonly workspaceDomain?: string | undefined;
}

/** The port on which supervisors serve: `SUPERVISOR_PORT` of `protocol/route-token.ts`, which `infra/` does not import. */
const SUPERVISOR_PORT = 22_999;

/** All of Atelier. One stack: functions and APIs need each other, and stacks may not. */
export class AtelierStack extends Stack {
  /** @throws Error when a bundle is missing, the edge function is too large, or both domains share a registrable one */
  constructor(scope: Construct, id: string, props: AtelierStackProps) {
    super(scope, id, {
      description: "Atelier: cloud workspaces",
      analyticsReporting: false,
      // The rule is a parameter that reads SSM, which nobody needs who deploys with the CDK.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
    });
    const { buildDirectory, dashboardDomain, workspaceDomain } = props;
    if (dashboardDomain && workspaceDomain) checkDomains(dashboardDomain, workspaceDomain);
    const siteDirectory = `${buildDirectory}/frontend`;
    if (!existsSync(siteDirectory)) throw new Error(`There is no ${siteDirectory}. Run \`npm run build\` first.`);

    const siteHash = Files.fingerprint(siteDirectory);

    const parameters = new Parameters(this, "Parameters", { dashboardDomain, workspaceDomain });
    const network = new Network(this, "Network", {
      supervisorPort: SUPERVISOR_PORT,
      originFacingPrefixList: parameters.originFacingPrefixList,
    });
    const table = new Table(this, "State");
    const bus = new Bus(this, "Facts");
    const launchQueue = new LaunchQueue(this, "Launches");
    const fileSystem = new FileSystem(this, "Volumes", {
      vpc: network.vpc,
      clients: [network.taskSecurityGroup, network.janitorSecurityGroup],
    });
    const tasks = new WorkspaceTasks(this, "Tasks", {
      fileSystemId: fileSystem.fileSystemId,
      supervisorPort: SUPERVISOR_PORT,
      endpoint: parameters.dashboardOrigin,
      subnetIds: network.publicSubnets.map((subnet) => subnet.subnetId),
      securityGroupId: network.taskSecurityGroup.securityGroupId,
    });
    const socketApi = new SocketApi(this, "SocketApi");
    const functions = new ControlPlane(this, "ControlPlane", {
      buildDirectory,
      release: siteHash.slice(0, 16),
      parameters,
      network,
      table,
      bus,
      launchQueue,
      fileSystem,
      tasks,
      socketApi,
    });
    new Events(this, "Events", { bus, clusterArn: tasks.clusterArn, functions });
    socketApi.route({
      $connect: functions.onConnect,
      $disconnect: functions.onDisconnect,
      $default: functions.onMessage,
    });
    const requestApi = new RequestApi(this, "RequestApi");
    requestApi.route(functions.onRequest, ["POST", "/rpc"]);
    requestApi.route(
      functions.signIn,
      ["GET", "/login/{provider}"],
      ["GET", "/login/{provider}/callback"],
      ["POST", "/logout"],
    );
    requestApi.route(functions.enter, ["GET", "/enter"]);
    requestApi.route(functions.version, ["GET", "/version"]);

    const site = new DashboardSite(this, "Dashboard", {
      domain: parameters.dashboardDomain,
      certificateArn: parameters.dashboardCertificateArn,
      requestApiDomain: requestApi.domainName,
      socketApiDomain: socketApi.domainName,
    });
    const edge = new WorkspaceEdge(this, "Workspaces", {
      domain: parameters.workspaceDomain,
      certificateArn: parameters.workspaceCertificateArn,
      supervisorPort: SUPERVISOR_PORT,
      functionFile: props.edgeFunction,
      files: site.bucket as IBucket,
    });
    new Deployment(this, "Deployment", {
      buildDirectory,
      parameters,
      site,
      edge,
      siteHash,
    });

    new CfnOutput(this, "DashboardUrl", { value: `${parameters.dashboardOrigin}/` });
    new CfnOutput(this, "DashboardDistributionDomain", {
      description: "Where the DNS name of the dashboard must point to",
      value: site.distribution.distributionDomainName,
    });
    new CfnOutput(this, "WorkspaceDistributionDomain", {
      description: "Where the DNS name *.<workspace domain> must point to",
      value: edge.distribution.distributionDomainName,
    });
  }
}
