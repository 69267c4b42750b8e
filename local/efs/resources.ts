import type { Disposition, ResourceProvider, ServiceContext } from "../service.ts";
import { openState } from "../state.ts";
import { type AccessPoint, readSettings } from "./access-point.ts";
import type { AccessPoints } from "./access-points.ts";
import type { FileSystem, FileSystems } from "./file-systems.ts";

const NO_TAGS: Disposition = { inert: "Tags have no effect on a laptop." };
const ONE_DISK: Disposition = { inert: "Files are on this machine's disk, with its speed, safety and price." };
const NO_NETWORK: Disposition = { inert: "Files are mounted as folders, not over a network." };

/** What the embedded EFS deploys of a template. */
export function efsResources(
  context: ServiceContext,
  fileSystems: FileSystems,
  accessPoints: AccessPoints,
): Readonly<Record<string, ResourceProvider>> {
  return {
    "AWS::EFS::FileSystem": {
      properties: {
        AvailabilityZoneName: ONE_DISK,
        BackupPolicy: ONE_DISK,
        Encrypted: ONE_DISK,
        FileSystemProtection: ONE_DISK,
        KmsKeyId: ONE_DISK,
        LifecyclePolicies: ONE_DISK,
        PerformanceMode: ONE_DISK,
        ProvisionedThroughputInMibps: ONE_DISK,
        ThroughputMode: ONE_DISK,
        FileSystemPolicy: { inert: "Only the embedded cloud mounts; there is no network client to be kept out." },
        BypassPolicyLockoutSafetyCheck: { inert: "There is no policy here that could lock anybody out." },
        FileSystemTags: NO_TAGS,
      },
      async deploy(logicalId) {
        const { FileSystemId, FileSystemArn } = fileSystems.forResource(logicalId);
        return { ref: FileSystemId, attributes: { Arn: FileSystemArn, FileSystemId } };
      },
    },
    "AWS::EFS::MountTarget": {
      properties: { FileSystemId: "executed", SubnetId: NO_NETWORK, SecurityGroups: NO_NETWORK, IpAddress: NO_NETWORK },
      async deploy(logicalId, properties) {
        const { FileSystemId } = fileSystems.get(String(properties.FileSystemId));
        const id = `fsmt-${FileSystemId.slice(3, 11)}-${logicalId}`;
        return { ref: id, attributes: { Id: id, IpAddress: "127.0.0.1" } };
      },
    },
    "AWS::EFS::AccessPoint": accessPoint(context, fileSystems, accessPoints),
  };
}

/** Replaced when the template says something else of it, as CloudFormation does: an access point cannot be changed. */
function accessPoint(context: ServiceContext, fileSystems: FileSystems, accessPoints: AccessPoints): ResourceProvider {
  const state = openState<Record<string, { said: string; id: string }>>(
    context.stateDirectory,
    "template-access-points",
    {},
  );
  return {
    properties: {
      FileSystemId: "executed",
      PosixUser: { inert: "Without root, files belong to whoever runs Atelier." },
      RootDirectory: "executed",
      ClientToken: { inert: "The embedded cloud finds an access point by its logical id." },
      AccessPointTags: NO_TAGS,
    },
    async deploy(logicalId, properties) {
      const said = JSON.stringify(properties);
      const known = state.value[logicalId];
      const existing = known && accessPoints.all().find(({ AccessPointId }) => AccessPointId === known.id);
      if (existing !== undefined && known?.said === said) return deployed(existing);
      if (existing !== undefined) await accessPoints.delete(existing.AccessPointId);
      const { FileSystemId }: FileSystem = fileSystems.get(String(properties.FileSystemId));
      const settings = readSettings({ ...properties, Tags: properties.AccessPointTags });
      const token = `cloudformation-${context.random.bytes(12).toString("hex")}`;
      const made = await accessPoints.create(token, FileSystemId, settings);
      state.value[logicalId] = { said, id: made.AccessPointId };
      state.save();
      return deployed(made);
    },
  };
}

function deployed({ AccessPointId, AccessPointArn }: AccessPoint) {
  return { ref: AccessPointId, attributes: { AccessPointId, Arn: AccessPointArn } };
}
