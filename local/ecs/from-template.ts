/** Names that CloudFormation and the API spell differently beyond the case of the first letter. */
const RENAMED: Readonly<Record<string, string>> = {
  EFSVolumeConfiguration: "efsVolumeConfiguration",
  FilesystemId: "fileSystemId",
  IAM: "iam",
};

/** Members whose keys are the author's own words. */
const VERBATIM = new Set(["Options", "DockerLabels"]);

/** Numbers that templates may write as strings. */
const NUMBERS = new Set(["SizeInGiB", "StopTimeout", "StartTimeout", "ContainerPort", "HostPort"]);

/** A task definition as RegisterTaskDefinition takes it, from the properties of `AWS::ECS::TaskDefinition`. */
export function fromTemplate(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      apiName(name),
      VERBATIM.has(name) ? value : convert(name, value),
    ]),
  );
}

function convert(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => convert(name, item));
  if (typeof value === "object" && value !== null) return fromTemplate(value as Record<string, unknown>);
  if (NUMBERS.has(name) && typeof value === "string") return Number(value);
  // CloudFormation turns "true" into a boolean where the property is one.
  if ((name === "ReadOnly" || name === "Essential") && typeof value === "string") return value === "true";
  return value;
}

function apiName(name: string): string {
  return RENAMED[name] ?? name.charAt(0).toLowerCase() + name.slice(1);
}
