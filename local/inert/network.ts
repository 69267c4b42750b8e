import type { ResourceProvider } from "../service.ts";
import { inert, stableId } from "./inert-provider.ts";

const reason = "VPC routing is not modelled: functions and tasks share this machine's network";

/** EC2's network: what refers to it gets ids that stay the same. */
export const networkResources: Readonly<Record<string, ResourceProvider>> = {
  "AWS::EC2::VPC": inert(reason, (logicalId, properties) => ({
    ref: stableId("vpc", logicalId),
    attributes: {
      VpcId: stableId("vpc", logicalId),
      CidrBlock: properties.CidrBlock,
      CidrBlockAssociations: [stableId("vpc-cidr-assoc", logicalId)],
      DefaultSecurityGroup: stableId("sg", `${logicalId} default`),
      DefaultNetworkAcl: stableId("acl", logicalId),
      Ipv6CidrBlocks: [],
    },
  })),
  "AWS::EC2::Subnet": inert(reason, (logicalId, properties) => ({
    ref: stableId("subnet", logicalId),
    attributes: {
      SubnetId: stableId("subnet", logicalId),
      AvailabilityZone: properties.AvailabilityZone,
      CidrBlock: properties.CidrBlock,
      VpcId: properties.VpcId,
      Ipv6CidrBlocks: [],
    },
  })),
  "AWS::EC2::SecurityGroup": inert(reason, (logicalId, properties) => ({
    ref: stableId("sg", logicalId),
    attributes: { GroupId: stableId("sg", logicalId), Id: stableId("sg", logicalId), VpcId: properties.VpcId },
  })),
  "AWS::EC2::SecurityGroupIngress": plain("sgr"),
  "AWS::EC2::SecurityGroupEgress": plain("sgr"),
  "AWS::EC2::InternetGateway": plain("igw", "InternetGatewayId"),
  "AWS::EC2::VPCGatewayAttachment": plain("igw-attach"),
  "AWS::EC2::RouteTable": plain("rtb", "RouteTableId"),
  "AWS::EC2::Route": plain("r"),
  "AWS::EC2::SubnetRouteTableAssociation": plain("rtbassoc", "Id"),
  "AWS::EC2::VPCEndpoint": plain("vpce", "Id"),
};

function plain(prefix: string, attribute?: string): ResourceProvider {
  return inert(reason, (logicalId) => {
    const id = stableId(prefix, logicalId);
    return { ref: id, attributes: attribute === undefined ? {} : { [attribute]: id } };
  });
}
