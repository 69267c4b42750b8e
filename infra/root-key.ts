import type { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";
import { parameterArn } from "./parameters.ts";

/** The parameter that the custom resource `Custom::Keys` writes; CloudFormation can make no SecureString. */
export const ROOT_KEY_PARAMETER = "/atelier/root-key";

const environment = { ROOT_KEY_PARAMETER };

export function readRootKey(scope: Construct): Binding {
  return { environment, statements: [allow(["ssm:GetParameter"], [parameterArn(scope, ROOT_KEY_PARAMETER)])] };
}

export function writeRootKey(scope: Construct): Binding {
  return {
    environment,
    statements: [allow(["ssm:GetParameter", "ssm:PutParameter"], [parameterArn(scope, ROOT_KEY_PARAMETER)])],
  };
}
