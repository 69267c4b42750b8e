import { physicalName } from "../identifier.ts";
import type { Deployed, ResourceProvider, Service, ServiceContext } from "../service.ts";
import { evaluate, parsePolicy, type Statement, type Verdict } from "./evaluate-policy.ts";
import { managedStatements } from "./managed-policies.ts";

export interface Iam extends Service {
  /** What the role's policies say of one action. A role that the template does not make is granted nothing. */
  check(roleArn: string, action: string, resource: string): Verdict;
}

/** Roles and their policies, kept to be evaluated; nobody is authenticated by them here. */
export function createIam(context: Pick<ServiceContext, "accountId">): Iam {
  const statements = new Map<string, Statement[]>();
  const managed = new Map<string, Statement[]>();
  const arnOf = (kind: string, name: string): string => `arn:aws:iam::${context.accountId}:${kind}/${name}`;
  const roleName = (arnOrName: string): string => arnOrName.slice(arnOrName.lastIndexOf("/") + 1);
  const attach = (role: string, more: readonly Statement[]): void => {
    statements.set(role, [...(statements.get(role) ?? []), ...more]);
  };

  const role: ResourceProvider = {
    properties: {
      RoleName: "executed",
      Policies: "executed",
      ManagedPolicyArns: "executed",
      AssumeRolePolicyDocument: { inert: "functions are given their role here; nobody assumes one" },
      Description: { inert: "describes" },
      Path: { inert: "names only" },
      MaxSessionDuration: { inert: "access keys of the embedded cloud end with it" },
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties): Promise<Deployed> {
      const name = String(properties.RoleName ?? physicalName(logicalId));
      for (const policy of (properties.Policies ?? []) as { PolicyDocument: unknown }[]) {
        attach(name, parsePolicy(policy.PolicyDocument));
      }
      for (const arn of (properties.ManagedPolicyArns ?? []) as string[]) {
        attach(name, managed.get(arn) ?? managedStatements(arn));
      }
      return { ref: name, attributes: { Arn: arnOf("role", name), RoleId: `AROA${logicalId.toUpperCase()}` } };
    },
  };

  const policy: ResourceProvider = {
    properties: {
      PolicyDocument: "executed",
      PolicyName: "executed",
      Roles: "executed",
      Users: { inert: "nobody signs in to the embedded cloud by IAM" },
      Groups: { inert: "nobody signs in to the embedded cloud by IAM" },
    },
    async deploy(logicalId, properties): Promise<Deployed> {
      const parsed = parsePolicy(properties.PolicyDocument);
      for (const name of (properties.Roles ?? []) as string[]) attach(roleName(name), parsed);
      return { ref: String(properties.PolicyName ?? physicalName(logicalId)), attributes: { Id: logicalId } };
    },
  };

  const managedPolicy: ResourceProvider = {
    properties: {
      PolicyDocument: "executed",
      ManagedPolicyName: "executed",
      Roles: "executed",
      Description: { inert: "describes" },
      Path: { inert: "names only" },
    },
    async deploy(logicalId, properties): Promise<Deployed> {
      const arn = arnOf("policy", String(properties.ManagedPolicyName ?? physicalName(logicalId)));
      const parsed = parsePolicy(properties.PolicyDocument);
      managed.set(arn, parsed);
      for (const name of (properties.Roles ?? []) as string[]) attach(roleName(name), parsed);
      return { ref: arn, attributes: { PolicyArn: arn } };
    },
  };

  return {
    name: "iam",
    resources: { "AWS::IAM::Role": role, "AWS::IAM::Policy": policy, "AWS::IAM::ManagedPolicy": managedPolicy },
    check: (roleArn, action, resource) => evaluate(statements.get(roleName(roleArn)) ?? [], action, resource),
  };
}
