import path from "node:path";
import { openRecords, type RecordStore } from "../record-store.ts";
import type { ServiceContext } from "../service.ts";
import { type AccessPoint, type AccessPointSettings, efsError } from "./access-point.ts";

/** Amazon EFS quotas: access points of one file system. */
export const MAX_ACCESS_POINTS = 10_000;

/** All access points, on disk one file each. Deleting one keeps what is in its directory, as on AWS. */
export class AccessPoints {
  readonly #context: ServiceContext;
  readonly #records: RecordStore<AccessPoint>;
  readonly #byToken = new Map<string, AccessPoint>();
  readonly #countOf = new Map<string, number>();

  static async open(context: ServiceContext): Promise<AccessPoints> {
    const folder = context.stateDirectory && path.join(context.stateDirectory, "access-points");
    return new AccessPoints(context, await openRecords(folder));
  }

  private constructor(context: ServiceContext, records: RecordStore<AccessPoint>) {
    this.#context = context;
    this.#records = records;
    for (const known of records.values.values()) this.#index(known);
  }

  /**
   * A token that was used before is refused whatever else is asked, with the access point that it made: so does AWS, for all
   * file systems of an account (https://github.com/aws/aws-sdk/issues/163).
   * @throws ApiError AccessPointAlreadyExists, AccessPointLimitExceeded
   */
  async create(clientToken: string, fileSystemId: string, settings: AccessPointSettings): Promise<AccessPoint> {
    const before = this.#byToken.get(clientToken);
    if (before !== undefined) {
      const message = `Access point already exists with client token ${clientToken}`;
      throw efsError("AccessPointAlreadyExists", message, 409, { AccessPointId: before.AccessPointId });
    }
    if ((this.#countOf.get(fileSystemId) ?? 0) >= MAX_ACCESS_POINTS) {
      throw efsError("AccessPointLimitExceeded", `${fileSystemId} has ${MAX_ACCESS_POINTS} access points.`, 403);
    }
    const id = `fsap-${this.#context.random.bytes(9).toString("hex").slice(0, 17)}`;
    const { region, accountId } = this.#context;
    const name = settings.Tags.find(({ Key }) => Key === "Name")?.Value;
    const made: AccessPoint = {
      AccessPointId: id,
      AccessPointArn: `arn:aws:elasticfilesystem:${region}:${accountId}:access-point/${id}`,
      FileSystemId: fileSystemId,
      ClientToken: clientToken,
      OwnerId: accountId,
      LifeCycleState: "available",
      ...settings,
      ...(name === undefined ? {} : { Name: name }),
    };
    this.#index(made);
    await this.#records.put(id, made);
    return made;
  }

  /** @param reference id or ARN. @throws ApiError AccessPointNotFound */
  get(reference: string): AccessPoint {
    const known = this.#records.get(reference.slice(reference.lastIndexOf("/") + 1));
    if (known === undefined) throw efsError("AccessPointNotFound", `Access point ${reference} does not exist.`, 404);
    return known;
  }

  /** Ordered by id, so that pages do not shift. */
  all(): readonly AccessPoint[] {
    return [...this.#records.values.values()].sort((a, b) => (a.AccessPointId < b.AccessPointId ? -1 : 1));
  }

  /** @throws ApiError AccessPointNotFound */
  async delete(reference: string): Promise<void> {
    const known = this.get(reference);
    this.#byToken.delete(known.ClientToken);
    this.#countOf.set(known.FileSystemId, (this.#countOf.get(known.FileSystemId) ?? 1) - 1);
    await this.#records.delete(known.AccessPointId);
  }

  settled(): Promise<void> {
    return this.#records.settled();
  }

  #index(known: AccessPoint): void {
    this.#byToken.set(known.ClientToken, known);
    this.#countOf.set(known.FileSystemId, (this.#countOf.get(known.FileSystemId) ?? 0) + 1);
  }
}
