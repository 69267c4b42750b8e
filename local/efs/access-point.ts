import { ApiError } from "../endpoint/api-error.ts";

export interface PosixUser {
  readonly Uid: number;
  readonly Gid: number;
  readonly SecondaryGids?: readonly number[];
}

export interface RootDirectory {
  readonly Path: string;
  /** Without it, a directory that does not exist is not made, and the mount fails. */
  readonly CreationInfo?: { readonly OwnerUid: number; readonly OwnerGid: number; readonly Permissions: string };
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** As the API gives it. */
export interface AccessPoint {
  readonly AccessPointId: string;
  readonly AccessPointArn: string;
  readonly FileSystemId: string;
  readonly ClientToken: string;
  readonly OwnerId: string;
  readonly LifeCycleState: "available";
  readonly RootDirectory: RootDirectory;
  readonly PosixUser?: PosixUser;
  readonly Tags: readonly Tag[];
  readonly Name?: string;
}

/** What CreateAccessPoint says of the access point itself. */
export type AccessPointSettings = Pick<AccessPoint, "RootDirectory" | "PosixUser" | "Tags">;

/** Amazon EFS user guide, "Working with access points": at most four levels and 100 characters. */
const MAX_LEVELS = 4;
const MAX_PATH_CHARACTERS = 100;

/**
 * Reads `PosixUser`, `RootDirectory` and `Tags` of CreateAccessPoint; numbers may be strings, as templates write them.
 * @throws ApiError BadRequest
 */
export function readSettings(input: Readonly<Record<string, unknown>>): AccessPointSettings {
  const user = input.PosixUser as Record<string, unknown> | undefined;
  const tags = (input.Tags ?? []) as Tag[];
  return {
    RootDirectory: readRootDirectory((input.RootDirectory ?? {}) as Record<string, unknown>),
    ...(user === undefined ? {} : { PosixUser: readPosixUser(user) }),
    Tags: tags,
  };
}

function readRootDirectory(input: Record<string, unknown>): RootDirectory {
  const path = checkPath(input.Path === undefined ? "/" : String(input.Path));
  const creation = input.CreationInfo as Record<string, unknown> | undefined;
  if (creation === undefined) return { Path: path };
  const permissions = String(creation.Permissions ?? "");
  if (!/^[0-7]{3,4}$/.test(permissions)) throw badRequest("Permissions must be 3 or 4 octal digits, e.g. 0750.");
  return {
    Path: path,
    CreationInfo: {
      OwnerUid: readId("OwnerUid", creation.OwnerUid),
      OwnerGid: readId("OwnerGid", creation.OwnerGid),
      Permissions: permissions,
    },
  };
}

/** A path that stays inside its file system, and that AWS takes. */
export function checkPath(path: string): string {
  const levels = path.split("/").slice(1);
  const isPath = path.startsWith("/") && path.length <= MAX_PATH_CHARACTERS && !/[$#<>;`|&?{}^*\n\0\\]/.test(path);
  const isPlain = path === "/" || levels.every((level) => level !== "" && level !== "." && level !== "..");
  if (!isPath || !isPlain || levels.length > MAX_LEVELS) {
    throw badRequest(
      `The path ${JSON.stringify(path)} is not valid: it must be absolute, without "..", at most ${MAX_LEVELS} levels deep.`,
    );
  }
  return path;
}

function readPosixUser(input: Record<string, unknown>): PosixUser {
  const groups = input.SecondaryGids as unknown[] | undefined;
  return {
    Uid: readId("Uid", input.Uid),
    Gid: readId("Gid", input.Gid),
    ...(groups === undefined ? {} : { SecondaryGids: groups.map((group) => readId("SecondaryGids", group)) }),
  };
}

function readId(name: string, value: unknown): number {
  const id = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > 4_294_967_295) {
    throw badRequest(`${name} must be a whole number from 0 to 4294967295.`);
  }
  return id;
}

export function badRequest(message: string): ApiError {
  return efsError("BadRequest", message, 400);
}

/** Errors as EFS writes them: `ErrorCode` beside the message. */
export function efsError(code: string, message: string, status: number, fields: Record<string, string> = {}): ApiError {
  return new ApiError(code, message, status, { ErrorCode: code, Message: message, ...fields });
}
