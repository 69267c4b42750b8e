import type { Statement } from "./evaluate-policy.ts";

/**
 * What AWS's own managed policies grant, as far as a function calls it through the embedded cloud.
 * @throws Error for a policy that is not known here
 */
export function managedStatements(arn: string): Statement[] {
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  const actions = Object.hasOwn(grants, name) ? grants[name] : undefined;
  if (actions === undefined) throw new Error(`ManagedPolicyArns: ${arn} is not modelled by the embedded cloud`);
  return [
    { effect: "Allow", actions, notActions: undefined, resources: ["*"], notResources: undefined, conditional: false },
  ];
}

const logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
const grants: Readonly<Record<string, readonly string[]>> = {
  AWSLambdaBasicExecutionRole: logs,
  AWSLambdaVPCAccessExecutionRole: [
    ...logs,
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ],
  AmazonElasticFileSystemClientReadWriteAccess: [
    "elasticfilesystem:ClientMount",
    "elasticfilesystem:ClientWrite",
    "elasticfilesystem:DescribeMountTargets",
  ],
  AmazonElasticFileSystemClientFullAccess: [
    "elasticfilesystem:ClientMount",
    "elasticfilesystem:ClientWrite",
    "elasticfilesystem:ClientRootAccess",
    "elasticfilesystem:DescribeMountTargets",
  ],
  AmazonECSTaskExecutionRolePolicy: [
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
  ],
};
