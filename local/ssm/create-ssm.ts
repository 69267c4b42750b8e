import { ApiError } from "../endpoint/api-error.ts";
import { answerJson, operationName, parseJsonBody } from "../endpoint/json-protocol.ts";
import { physicalName } from "../identifier.ts";
import type { ResourceProvider, Service, ServiceContext } from "../service.ts";
import { openState } from "../state.ts";

interface Parameter {
  readonly type: "String" | "StringList" | "SecureString";
  readonly value: string;
  readonly version: number;
  readonly modifiedAt: number;
}

export interface Ssm extends Service {
  /** Writes a SecureString, as an administrator does before deploying. */
  putSecret(name: string, value: string): void;
  readSecret(name: string): string | undefined;
}

/** SSM parameters, in one file that only its owner reads. */
export function createSsm(context: ServiceContext): Ssm {
  const state = openState<Record<string, Parameter>>(context.stateDirectory, "parameters", {});
  const arnOf = (name: string): string =>
    `arn:aws:ssm:${context.region}:${context.accountId}:parameter/${name.replace(/^\//, "")}`;
  const find = (name: string): Parameter | undefined =>
    Object.hasOwn(state.value, name) ? state.value[name] : undefined;
  const put = (name: string, type: Parameter["type"], value: string): number => {
    const version = (find(name)?.version ?? 0) + 1;
    state.value[name] = { type, value, version, modifiedAt: context.clock.now() };
    state.save();
    return version;
  };
  const describe = (name: string, withDecryption: boolean): Record<string, unknown> | undefined => {
    const parameter = find(name);
    if (parameter === undefined) return undefined;
    const hidden = parameter.type === "SecureString" && !withDecryption;
    return {
      Name: name,
      Type: parameter.type,
      // Without decryption AWS gives the ciphertext; there is none here.
      Value: hidden ? "(encrypted)" : parameter.value,
      Version: parameter.version,
      LastModifiedDate: parameter.modifiedAt / 1000,
      ARN: arnOf(name),
      DataType: "text",
    };
  };
  const missing = (name: string): ApiError => new ApiError("ParameterNotFound", `There is no parameter ${name}.`);

  const parameter: ResourceProvider = {
    properties: {
      Name: "executed",
      Type: "executed",
      Value: "executed",
      Description: { inert: "describes" },
      Tier: { inert: "limits are those of standard parameters" },
      AllowedPattern: { inert: "describes" },
      DataType: { inert: "text is the only one modelled" },
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties) {
      const name = String(properties.Name ?? physicalName(logicalId));
      const type = String(properties.Type);
      if (type !== "String" && type !== "StringList")
        throw new Error(`Type: ${type} is none that CloudFormation makes`);
      const value = String(properties.Value);
      if (find(name)?.value !== value) put(name, type, value);
      return { ref: name, attributes: { Type: type, Value: value } };
    },
  };

  const operations = {
    GetParameter(input: Record<string, unknown>) {
      const described = describe(String(input.Name), input.WithDecryption === true);
      if (described === undefined) throw missing(String(input.Name));
      return { Parameter: described };
    },
    GetParameters(input: Record<string, unknown>) {
      const names = (input.Names ?? []) as string[];
      const found = names.map((name) => describe(name, input.WithDecryption === true));
      return {
        Parameters: found.filter((each) => each !== undefined),
        InvalidParameters: names.filter((_name, index) => found[index] === undefined),
      };
    },
    PutParameter(input: Record<string, unknown>) {
      const { Name: name, Value: value, Type: type, Overwrite: overwrite } = input;
      if (typeof name !== "string" || typeof value !== "string")
        throw new ApiError("ValidationException", "Name and Value are required");
      const existing = find(name);
      if (existing !== undefined && overwrite !== true) {
        throw new ApiError(
          "ParameterAlreadyExists",
          "The parameter already exists. To overwrite this value, set the overwrite option.",
        );
      }
      // 4 KB is the limit of standard parameters; what fits here must fit there.
      if (Buffer.byteLength(value) > 4096)
        throw new ApiError(
          "ValidationException",
          "Standard tier parameters support a maximum parameter value of 4096 characters.",
        );
      const kind = type ?? existing?.type;
      if (kind !== "String" && kind !== "StringList" && kind !== "SecureString")
        throw new ApiError("ValidationException", "A parameter type is required when you create a parameter.");
      return { Version: put(name, kind, value), Tier: "Standard" };
    },
    DeleteParameter(input: Record<string, unknown>) {
      const name = String(input.Name);
      if (find(name) === undefined) throw missing(name);
      delete state.value[name];
      state.save();
    },
  };

  return {
    name: "ssm",
    resources: { "AWS::SSM::Parameter": parameter },
    api: { signingName: "ssm", handle: (request) => answerJson(request, operations) },
    permissions(request) {
      const input = parseJsonBody(request);
      const names = input.Name === undefined ? ((input.Names ?? []) as string[]) : [String(input.Name)];
      return names.map((name) => ({ action: `ssm:${operationName(request)}`, resource: arnOf(name) }));
    },
    putSecret: (name, value) => void put(name, "SecureString", value),
    readSecret: (name) => find(name)?.value,
  };
}
