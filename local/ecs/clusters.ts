import { ecsError } from "./ecs-error.ts";

export interface Cluster {
  readonly name: string;
  readonly arn: string;
}

/** The clusters that the template made. */
export class Clusters {
  readonly #byName = new Map<string, Cluster>();
  readonly #arnPrefix: string;

  constructor(region: string, accountId: string) {
    this.#arnPrefix = `arn:aws:ecs:${region}:${accountId}:cluster/`;
  }

  add(name: string): Cluster {
    const cluster = { name, arn: this.#arnPrefix + name };
    this.#byName.set(name, cluster);
    return cluster;
  }

  arn(reference: string): string {
    return reference.startsWith("arn:") ? reference : this.#arnPrefix + reference;
  }

  /** @param reference name or ARN. @throws ApiError ClusterNotFoundException */
  find(reference: string): Cluster {
    const name = reference.startsWith(this.#arnPrefix) ? reference.slice(this.#arnPrefix.length) : reference;
    const cluster = this.#byName.get(name);
    if (cluster === undefined) throw ecsError("ClusterNotFoundException", "Cluster not found.");
    return cluster;
  }
}
