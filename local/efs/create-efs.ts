import { parseJsonBody } from "../endpoint/json-protocol.ts";
import { answerRestJson, matchPath, type RestRoute } from "../endpoint/rest-json.ts";
import { uuid } from "../identifier.ts";
import type { ApiRequest, Service, ServiceContext } from "../service.ts";
import { badRequest, readSettings } from "./access-point.ts";
import { AccessPoints } from "./access-points.ts";
import { type FileSystem, FileSystems } from "./file-systems.ts";
import { EfsFolders } from "./mount-folders.ts";
import { pageOf } from "./page.ts";
import { efsResources } from "./resources.ts";

export interface Efs extends Service {
  /**
   * The folder that stands for an access point (id or ARN), made when this is its first mount.
   * @throws ApiError AccessPointNotFound; Error when the directory can not be made
   */
  folderOf(accessPoint: string): Promise<string>;
  /** The folder of a directory of a file system that is mounted without an access point. @throws as `folderOf` */
  folderOfDirectory(fileSystemId: string, directory: string): Promise<string>;
}

const ACCESS_POINTS = "/2015-02-01/access-points";
const FILE_SYSTEMS = "/2015-02-01/file-systems";
const MAX_CLIENT_TOKEN = /^[\x20-\x7e]{1,64}$/;

/** The embedded EFS: file systems are folders, access points are folders in them. */
export async function createEfs(context: ServiceContext): Promise<Efs> {
  const fileSystems = new FileSystems(context);
  const accessPoints = await AccessPoints.open(context);
  const folders = new EfsFolders(context.stateDirectory);

  const routes: readonly RestRoute[] = [
    {
      method: "POST",
      path: ACCESS_POINTS,
      handle(request) {
        const input = parseJsonBody(request);
        const token = input.ClientToken === undefined ? uuid(context.random) : String(input.ClientToken);
        if (!MAX_CLIENT_TOKEN.test(token)) throw badRequest("ClientToken must have 1 to 64 ASCII characters.");
        const { FileSystemId } = fileSystems.get(String(input.FileSystemId));
        return accessPoints.create(token, FileSystemId, readSettings(input));
      },
    },
    {
      method: "GET",
      path: ACCESS_POINTS,
      handle({ query }) {
        const [id, fileSystem] = [query.get("AccessPointId"), query.get("FileSystemId")];
        if (id !== null && fileSystem !== null) throw badRequest("Give AccessPointId or FileSystemId, not both.");
        if (id !== null) return { AccessPoints: [accessPoints.get(id)] };
        const wanted = fileSystem === null ? undefined : fileSystems.get(fileSystem).FileSystemId;
        const all = accessPoints.all().filter(({ FileSystemId }) => wanted === undefined || wanted === FileSystemId);
        const { items, next } = pageOf(
          all,
          ({ AccessPointId }) => AccessPointId,
          query.get("MaxResults"),
          query.get("NextToken"),
        );
        return { AccessPoints: items, ...(next === undefined ? {} : { NextToken: next }) };
      },
    },
    {
      method: "DELETE",
      path: `${ACCESS_POINTS}/{id}`,
      async handle(_request, { id = "" }) {
        await accessPoints.delete(id);
        return { status: 204, headers: {}, body: "" };
      },
    },
    {
      method: "GET",
      path: FILE_SYSTEMS,
      handle({ query }) {
        const [id, token] = [query.get("FileSystemId"), query.get("CreationToken")];
        const known = id === null ? fileSystems.all() : [fileSystems.get(id)];
        const asked = known.filter(({ CreationToken }) => token === null || CreationToken === token);
        const { items, next } = pageOf(
          asked,
          ({ FileSystemId }) => FileSystemId,
          query.get("MaxItems"),
          query.get("Marker"),
        );
        const described = items.map((fileSystem) => describe(fileSystem, context.accountId));
        return { FileSystems: described, ...(next === undefined ? {} : { NextMarker: next }) };
      },
    },
  ];

  return {
    name: "efs",
    resources: efsResources(context, fileSystems, accessPoints),
    api: { signingName: "elasticfilesystem", handle: (request) => answerRestJson(request, routes) },
    permissions: (request) => permissions(context, request),
    folderOf: async (reference) => folders.mount(accessPoints.get(reference)),
    folderOfDirectory: async (id, directory) => folders.mountDirectory(fileSystems.get(id).FileSystemId, directory),
    async stop() {
      await accessPoints.settled();
      await folders.close();
    },
  };
}

function describe({ createdAt, ...rest }: FileSystem, ownerId: string): Record<string, unknown> {
  return {
    ...rest,
    OwnerId: ownerId,
    CreationTime: createdAt / 1_000,
    LifeCycleState: "available",
    NumberOfMountTargets: 1,
    SizeInBytes: { Value: 0 },
    PerformanceMode: "generalPurpose",
    ThroughputMode: "elastic",
    Encrypted: false,
    Tags: [],
  };
}

/** Service authorization reference, "Amazon Elastic File System". */
function permissions({ region, accountId }: ServiceContext, request: ApiRequest) {
  const arn = (kind: string, id: string) => `arn:aws:elasticfilesystem:${region}:${accountId}:${kind}/${id}`;
  const { method, path, query } = request;
  const fileSystem = query.get("FileSystemId");
  if (path === FILE_SYSTEMS) {
    return [{ action: "elasticfilesystem:DescribeFileSystems", resource: arn("file-system", fileSystem ?? "*") }];
  }
  if (method === "POST") {
    return [{ action: "elasticfilesystem:CreateAccessPoint", resource: arn("file-system", fileSystemOf(request)) }];
  }
  const id = matchPath(`${ACCESS_POINTS}/{id}`, path)?.id;
  if (id !== undefined) return [{ action: "elasticfilesystem:DeleteAccessPoint", resource: arn("access-point", id) }];
  const accessPoint = query.get("AccessPointId");
  const resource = accessPoint === null ? arn("file-system", fileSystem ?? "*") : arn("access-point", accessPoint);
  return [{ action: "elasticfilesystem:DescribeAccessPoints", resource }];
}

function fileSystemOf(request: ApiRequest): string {
  try {
    return String(parseJsonBody(request).FileSystemId);
  } catch {
    // The operation itself refuses a body that cannot be read.
    return "*";
  }
}
