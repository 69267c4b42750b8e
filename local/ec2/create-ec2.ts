import type { NetworkInterface, NetworkInterfaces } from "../ecs/network-interfaces.ts";
import { ApiError } from "../endpoint/api-error.ts";
import { answerEc2Query, type XmlValue } from "../endpoint/rest-xml.ts";
import type { Service, ServiceContext } from "../service.ts";

export interface Ec2Dependencies {
  readonly interfaces: NetworkInterfaces;
}

/** The part of EC2 that a Fargate task's public name comes from. Its resources (VPC, subnets ...) are inert, in `local/inert/`. */
export function createEc2(context: ServiceContext, { interfaces }: Ec2Dependencies): Service {
  return {
    name: "ec2",
    resources: {},
    api: {
      signingName: "ec2",
      handle: (request) =>
        answerEc2Query(request, { DescribeNetworkInterfaces: (form) => describeInterfaces(context, interfaces, form) }),
    },
    // AWS knows no resource for this action: only a grant on `*` counts.
    permissions: (request) => {
      const action = new URLSearchParams(request.body.toString("utf8")).get("Action") ?? "";
      return [{ action: `ec2:${action}`, resource: "*" }];
    },
  };
}

/** @throws ApiError InvalidNetworkInterfaceID.NotFound; UnsupportedOperation for filters and pages */
function describeInterfaces(context: ServiceContext, interfaces: NetworkInterfaces, form: URLSearchParams): XmlValue {
  const names = [...form.keys()];
  const unmodelled = names.find((name) => !/^(Action|Version|NetworkInterfaceId\.\d+)$/.test(name));
  if (unmodelled !== undefined) {
    throw new ApiError("UnsupportedOperation", `${unmodelled} is not modelled by the embedded cloud.`);
  }
  const ids = names.filter((name) => name.startsWith("NetworkInterfaceId.")).map((name) => form.get(name) ?? "");
  const found = ids.length === 0 ? interfaces.all() : ids.map((id) => find(interfaces, id));
  return { networkInterfaceSet: { item: found.map((known) => describe(context, known)) } };
}

function find(interfaces: NetworkInterfaces, id: string): NetworkInterface {
  const known = interfaces.get(id);
  if (known !== undefined) return known;
  throw new ApiError("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${id}' does not exist`);
}

function describe({ accountId }: ServiceContext, known: NetworkInterface): XmlValue {
  const association = known.association && {
    publicIp: known.association.publicAddress,
    publicDnsName: known.association.publicDnsName,
    ipOwnerId: "amazon",
  };
  return {
    networkInterfaceId: known.id,
    subnetId: known.subnetId,
    ownerId: accountId,
    status: "in-use",
    interfaceType: "interface",
    macAddress: known.macAddress,
    privateIpAddress: known.privateAddress,
    groupSet: { item: known.securityGroups.map((groupId) => ({ groupId })) },
    association,
  };
}
