import { describe, expect, it } from "vitest";
import { actionsOf, functionNamed, grantsOf, synthesize } from "./synthesize.ts";

const template = synthesize();

const LOG = ["logs:CreateLogStream", "logs:PutLogEvents"];
const TABLE = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];
const SEND = "sqs:SendMessage";
const PUSH = "execute-api:ManageConnections";
const READ_KEY = "ssm:GetParameter";
const NETWORK = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];

/** The table of ARCHITECTURE.md. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  "on-request": [...TABLE, SEND, READ_KEY, PUSH],
  "on-message": [...TABLE, SEND, READ_KEY, PUSH],
  "on-connect": TABLE,
  "on-disconnect": TABLE,
  "sign-in": [...TABLE, READ_KEY],
  enter: [...TABLE, READ_KEY],
  version: [],
  "drive-workspace": [
    ...TABLE,
    SEND,
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueUrl",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "events:PutEvents",
    "elasticfilesystem:CreateAccessPoint",
    "elasticfilesystem:DeleteAccessPoint",
    "elasticfilesystem:DescribeAccessPoints",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:DeregisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StopTask",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
    "iam:PassRole",
    "ec2:DescribeNetworkInterfaces",
    READ_KEY,
    PUSH,
  ],
  "on-task-change": [...TABLE, SEND, PUSH, "ec2:DescribeNetworkInterfaces"],
  sweep: [...TABLE, SEND, PUSH, "ecs:ListTasks", "ecs:DescribeTasks", "ecs:StopTask"],
  "remove-directory": [
    "elasticfilesystem:ClientMount",
    "elasticfilesystem:ClientWrite",
    "elasticfilesystem:ClientRootAccess",
    SEND,
    ...NETWORK,
  ],
  "make-keys": [
    READ_KEY,
    "ssm:PutParameter",
    "cloudfront-keyvaluestore:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:ListKeys",
    "cloudfront-keyvaluestore:UpdateKeys",
  ],
  "publish-site": ["s3:ListBucket", "s3:PutObject", "s3:DeleteObject", "cloudfront:CreateInvalidation"],
};

/** Actions for which AWS knows no resources. */
const WITHOUT_RESOURCES = new Set([
  ...NETWORK,
  "ecs:DescribeTaskDefinition",
  "ecs:DeregisterTaskDefinition",
  "ecs:ListTasks",
  "ecr:GetAuthorizationToken",
]);

describe("the grants", () => {
  for (const [name, expected] of Object.entries(GRANTS)) {
    it(`of ${name} are those of ARCHITECTURE.md and no others`, () => {
      const grants = grantsOf(template, functionNamed(template, name).id);
      expect(actionsOf(grants)).toEqual([...new Set([...expected, ...LOG])].sort());
    });
  }

  it("name their resources wherever AWS knows some, and never all of a service", () => {
    for (const policy of Object.values(template.findResources("AWS::IAM::Policy"))) {
      for (const statement of policy.Properties.PolicyDocument.Statement) {
        for (const action of [statement.Action].flat()) {
          expect(action).not.toMatch(/\*/);
          const anywhere = [statement.Resource].flat().includes("*");
          const known =
            WITHOUT_RESOURCES.has(action) ||
            "elasticfilesystem:AccessPointArn" in (statement.Condition?.StringEquals ?? {});
          if (anywhere) expect(known, `${action} is granted on everything`).toBe(true);
        }
      }
    }
  });

  it("come with no managed policy", () => {
    for (const role of Object.values(template.findResources("AWS::IAM::Role"))) {
      expect(role.Properties).not.toHaveProperty("ManagedPolicyArns");
    }
  });
});
