import { RemovalPolicy } from "aws-cdk-lib";
import { type ISecurityGroup, type IVpc, Port, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { AccessPoint, FileSystem as Efs, ThroughputMode } from "aws-cdk-lib/aws-efs";
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { FileSystem as FunctionFileSystem } from "aws-cdk-lib/aws-lambda";
import { ArnFormat, Stack } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

export interface FileSystemProps {
  readonly vpc: IVpc;
  /** Who may mount. */
  readonly clients: readonly ISecurityGroup[];
}

/** Where the files of workspaces are. Each workspace mounts its own access point, and nothing mounts without one. */
export class FileSystem extends Construct {
  readonly #efs: Efs;

  constructor(scope: Construct, id: string, props: FileSystemProps) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, "Mounts", {
      vpc: props.vpc,
      description: "Mount targets: in from workspaces and the janitor",
      allowAllOutbound: false,
    });
    this.#efs = new Efs(this, "FileSystem", {
      vpc: props.vpc,
      securityGroup,
      encrypted: true,
      throughputMode: ThroughputMode.ELASTIC,
      removalPolicy: RemovalPolicy.RETAIN,
      fileSystemPolicy: accessPointsOnly(),
    });
    for (const client of props.clients) {
      securityGroup.connections.allowFrom(client, Port.tcp(2049), "NFS");
    }
  }

  get fileSystemId(): string {
    return this.#efs.fileSystemId;
  }

  /** Making and deleting access points. */
  get accessPoints(): Binding {
    const accessPoints = Stack.of(this).formatArn({
      service: "elasticfilesystem",
      resource: "access-point",
      resourceName: "*",
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    return {
      environment: { FILE_SYSTEM_ID: this.#efs.fileSystemId },
      statements: [
        allow(
          ["elasticfilesystem:CreateAccessPoint", "elasticfilesystem:DescribeAccessPoints"],
          [this.#efs.fileSystemArn],
        ),
        allow(["elasticfilesystem:DeleteAccessPoint", "elasticfilesystem:DescribeAccessPoints"], [accessPoints]),
      ],
    };
  }

  /** All workspaces' directories, for the janitor, at `path`. Root there: each directory belongs to its workspace. */
  directories(path: string): { readonly mount: FunctionFileSystem; readonly binding: Binding } {
    const accessPoint = new AccessPoint(this, "Directories", {
      fileSystem: this.#efs,
      path: "/workspaces",
      posixUser: { uid: "0", gid: "0" },
      createAcl: { ownerUid: "0", ownerGid: "0", permissions: "755" },
    });
    return {
      mount: FunctionFileSystem.fromEfsAccessPoint(accessPoint, path),
      binding: {
        environment: { WORKSPACES_PATH: path },
        statements: [
          allow(["elasticfilesystem:ClientRootAccess"], [this.#efs.fileSystemArn], {
            StringEquals: { "elasticfilesystem:AccessPointArn": accessPoint.accessPointArn },
          }),
        ],
      },
    };
  }
}

/**
 * Tasks have no role, so they mount as anybody; what they can mount is what the access point in their definition says.
 * Nobody is root who is not granted it.
 */
function accessPointsOnly(): PolicyDocument {
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        conditions: { Bool: { "elasticfilesystem:AccessedViaMountTarget": "true" } },
      }),
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["elasticfilesystem:ClientMount"],
        conditions: { Null: { "elasticfilesystem:AccessPointArn": "true" } },
      }),
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ["*"],
        conditions: { Bool: { "aws:SecureTransport": "false" } },
      }),
    ],
  });
}
