import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";

export interface NetworkProps {
  /** Port on which supervisors serve. */
  readonly supervisorPort: number;
  /** Managed prefix list of CloudFront's addresses towards origins. */
  readonly originFacingPrefixList: string;
}

/** Public subnets only: a task has its own public address, so that no NAT gateway has to run while nobody works. */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly publicSubnets: readonly ISubnet[];
  /** Of workspaces. */
  readonly taskSecurityGroup: ISecurityGroup;
  /** Of the function that removes directories. */
  readonly janitorSecurityGroup: ISecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    const vpc = new Vpc(this, "Vpc", {
      // Each task takes an address: two subnets of /18 have room for 32,000.
      ipAddresses: IpAddresses.cidr("10.0.0.0/16"),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: "public", subnetType: SubnetType.PUBLIC, cidrMask: 18 }],
      // The edge reaches a task by the public DNS name of its address.
      enableDnsHostnames: true,
      enableDnsSupport: true,
      restrictDefaultSecurityGroup: false,
      // Gateway endpoints are free.
      gatewayEndpoints: {
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
    });
    // CDK's declarations do not hold under exactOptionalPropertyTypes: no class is assignable to its own interface.
    this.vpc = vpc as IVpc;
    this.publicSubnets = vpc.publicSubnets;
    const tasks = new SecurityGroup(this, "Tasks", {
      vpc: this.vpc,
      description: "Workspaces: in from CloudFront only, so never from each other; out to anywhere",
      allowAllOutbound: true,
    });
    tasks.addIngressRule(
      Peer.prefixList(props.originFacingPrefixList),
      Port.tcp(props.supervisorPort),
      "CloudFront to supervisors",
    );
    this.taskSecurityGroup = tasks;
    this.janitorSecurityGroup = new SecurityGroup(this, "Janitor", {
      vpc: this.vpc,
      description: "The function that removes directories: out to the file system only",
      allowAllOutbound: false,
    });
  }
}
