/** What the task was told, taken out of the environment so that no child inherits it. */
import { parseInstanceId } from "#protocol/ids.ts";

export interface Configuration {
  readonly instanceId: string;
  readonly workspaceId: string;
  /** Proof to `instance.hello` that this is the task that was started; worth nothing afterwards. */
  readonly launchTicket: string;
  /** Origin of the control plane, without a slash at its end. */
  readonly endpoint: string;
  /** Folder that outlives the task. */
  readonly volume: string;
  /** Folder of code-server. */
  readonly ide: string;
  /** Folder that dies with the task. */
  readonly scratch: string;
  /** The task metadata endpoint; absent outside ECS. */
  readonly metadataUri: string | undefined;
}

const NAMES = {
  instanceId: "ATELIER_INSTANCE_ID",
  launchTicket: "ATELIER_LAUNCH_TICKET",
  endpoint: "ATELIER_ENDPOINT",
  volume: "ATELIER_VOLUME",
  ide: "ATELIER_IDE",
  scratch: "ATELIER_SCRATCH",
} as const;

/** Variables that are about the task and nobody's business in it. A task role is not given; if one were, it is not the person's. */
const OWN = /^(ATELIER_|ECS_|AWS_)/;

/**
 * Reads and removes the supervisor's own variables.
 * @throws Error that names every variable that is missing or wrong
 */
export function takeConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const missing = Object.values(NAMES).filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`The task's environment lacks ${missing.join(", ")}.`);
  const read = (key: keyof typeof NAMES): string => environment[NAMES[key]] as string;

  const parsed = parseInstanceId(read("instanceId"));
  if (!parsed) throw new Error(`${NAMES.instanceId} is not an instance id: ${read("instanceId")}`);
  const endpoint = URL.parse(read("endpoint"));
  if (!endpoint || !/^https?:$/.test(endpoint.protocol)) {
    throw new Error(`${NAMES.endpoint} must be an http or https URL, not ${read("endpoint")}`);
  }
  const configuration: Configuration = {
    instanceId: read("instanceId"),
    workspaceId: parsed.workspaceId,
    launchTicket: read("launchTicket"),
    endpoint: endpoint.origin,
    volume: read("volume"),
    ide: read("ide"),
    scratch: read("scratch"),
    metadataUri: environment.ECS_CONTAINER_METADATA_URI_V4,
  };
  for (const name of Object.keys(environment)) if (OWN.test(name)) delete environment[name];
  return configuration;
}
