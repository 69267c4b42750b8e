import type { AccessKey } from "../endpoint/access-keys.ts";

export interface EnvironmentOptions {
  readonly functionName: string;
  readonly memoryMb: number;
  readonly region: string;
  readonly endpointUrl: string;
  readonly key: AccessKey;
}

/**
 * The variables that Lambda itself sets, and the endpoints that send the SDK to the embedded cloud. Nothing of the host's
 * environment, nor of its AWS configuration, comes through.
 */
export function functionEnvironment(
  variables: Readonly<Record<string, string>>,
  options: EnvironmentOptions,
): Record<string, string> {
  const { endpointUrl, functionName, region } = options;
  return {
    ...rewriteEndpoints(variables, endpointUrl),
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "en_US.UTF-8",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(options.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    AWS_ACCESS_KEY_ID: options.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: options.key.secretAccessKey,
    AWS_ENDPOINT_URL: endpointUrl,
    // Its client puts the account id before the host's name, which an address cannot have.
    AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE: endpointUrl.replace("127.0.0.1", "localhost"),
    // The person's own AWS configuration stays out of reach.
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

/** `https://<api>.execute-api.<region>.<suffix>/<stage>` becomes `<endpoint>/<api>/<stage>`. */
function rewriteEndpoints(variables: Readonly<Record<string, string>>, endpointUrl: string): Record<string, string> {
  const rewrite = (name: string, value: string): string => {
    const api = name.startsWith("AWS_ENDPOINT_URL_")
      ? /^https:\/\/([^./]+)\.execute-api\.[^/]+(\/.*)?$/.exec(value)
      : null;
    return api === null ? value : `${endpointUrl}/${api[1]}${api[2] ?? ""}`;
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, rewrite(name, value)]));
}
