import path from "node:path";
import { openRecords, type RecordStore } from "../record-store.ts";
import type { ServiceContext } from "../service.ts";
import { ecsError } from "./ecs-error.ts";
import { checkTaskDefinition, type TaskDefinition } from "./task-definition.ts";

/** All revisions of all families. A revision never changes, except that it becomes INACTIVE. */
export class TaskDefinitions {
  readonly #context: ServiceContext;
  readonly #records: RecordStore<TaskDefinition>;
  /** The newest revision of a family, active or not: numbers are not used twice. */
  readonly #newest = new Map<string, number>();

  static async open(context: ServiceContext): Promise<TaskDefinitions> {
    const folder = context.stateDirectory && path.join(context.stateDirectory, "task-definitions");
    return new TaskDefinitions(context, await openRecords(folder));
  }

  private constructor(context: ServiceContext, records: RecordStore<TaskDefinition>) {
    this.#context = context;
    this.#records = records;
    for (const { family, revision } of records.values.values()) this.#count(family, revision);
  }

  /** @throws ApiError ClientException, UnsupportedFeatureException */
  async register(input: Record<string, unknown>): Promise<TaskDefinition> {
    const checked = checkTaskDefinition(input);
    const revision = (this.#newest.get(checked.family) ?? 0) + 1;
    this.#count(checked.family, revision);
    const definition: TaskDefinition = {
      ...checked,
      volumes: checked.volumes ?? [],
      taskDefinitionArn: this.arn(checked.family, String(revision)),
      revision,
      status: "ACTIVE",
      registeredAt: this.#context.clock.now(),
    };
    await this.#records.put(key(checked.family, revision), definition);
    return definition;
  }

  /** Running tasks go on. @throws ApiError ClientException */
  async deregister(reference: string): Promise<TaskDefinition> {
    const { family, revision } = this.#read(reference);
    if (revision === undefined) throw ecsError("ClientException", "Revision is missing.");
    const known = this.#records.get(key(family, revision));
    if (known === undefined) throw ecsError("ClientException", "Unable to describe task definition.");
    if (known.status === "INACTIVE") throw ecsError("ClientException", "The specified task definition is inactive.");
    const inactive = { ...known, status: "INACTIVE" as const, deregisteredAt: this.#context.clock.now() };
    await this.#records.put(key(family, revision), inactive);
    return inactive;
  }

  /** @param reference family (its newest active revision), family:revision, or ARN; revisions may be inactive */
  find(reference: string): TaskDefinition | undefined {
    const { family, revision } = this.#read(reference);
    if (revision !== undefined) return this.#records.get(key(family, revision));
    for (let candidate = this.#newest.get(family) ?? 0; candidate > 0; candidate -= 1) {
      const known = this.#records.get(key(family, candidate));
      if (known?.status === "ACTIVE") return known;
    }
    return undefined;
  }

  arn(family: string, revision: string): string {
    return `arn:aws:ecs:${this.#context.region}:${this.#context.accountId}:task-definition/${family}:${revision}`;
  }

  settled(): Promise<void> {
    return this.#records.settled();
  }

  #count(family: string, revision: number): void {
    this.#newest.set(family, Math.max(revision, this.#newest.get(family) ?? 0));
  }

  #read(reference: string): { family: string; revision?: number } {
    const name = reference.startsWith("arn:") ? reference.slice(reference.indexOf("/") + 1) : reference;
    const match = /^([A-Za-z0-9_-]{1,255})(?::(\d{1,9}))?$/.exec(name);
    if (match === null) throw ecsError("ClientException", `Invalid task definition '${reference}'.`);
    return { family: match[1] as string, ...(match[2] === undefined ? {} : { revision: Number(match[2]) }) };
  }
}

function key(family: string, revision: number): string {
  return `${family}.${revision}`;
}
