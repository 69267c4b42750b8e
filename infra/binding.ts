import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";

/**
 * What a function needs in order to use something: the permission and the environment variables that name it, together,
 * so that neither is given without the other. Constructs hand these out; `AtelierFunction.bind` takes them.
 */
export interface Binding {
  readonly environment?: Readonly<Record<string, string>>;
  readonly statements?: readonly PolicyStatement[];
}

export function allow(
  actions: string[],
  resources: string[],
  conditions?: Record<string, Record<string, unknown>>,
): PolicyStatement {
  return new PolicyStatement({ effect: Effect.ALLOW, actions, resources, ...(conditions ? { conditions } : {}) });
}
