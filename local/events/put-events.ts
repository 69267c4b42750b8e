import { ApiError } from "../endpoint/api-error.ts";

export interface EventEntry {
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
  readonly resources: readonly string[];
  readonly time: number | undefined;
}

/** 256 KB: what every Region takes; newer ones take 1 MB. */
const maxEntryBytes = 256 * 1024;
const maxEntries = 10;

/**
 * `PutEvents`: each entry by itself, so that a wrong one is an error of its own in the answer.
 * @param accept takes an entry and gives the event's id
 */
export function putEvents(
  input: Record<string, unknown>,
  busExists: (name: string) => boolean,
  accept: (entry: EventEntry) => string,
): Record<string, unknown> {
  const entries = (input.Entries ?? []) as Record<string, unknown>[];
  if (entries.length === 0 || entries.length > maxEntries) {
    throw new ApiError(
      "ValidationException",
      `1 validation error detected: 'entries' must have between 1 and ${maxEntries} members`,
    );
  }
  const sizes = entries.reduce((sum, entry) => sum + entrySize(entry), 0);
  if (sizes > maxEntryBytes) {
    throw new ApiError(
      "ValidationException",
      `Total size of the entries in the request is over the limit of ${maxEntryBytes} bytes.`,
    );
  }
  const results = entries.map((entry) => {
    try {
      return { EventId: accept(readEntry(entry, busExists)) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { ErrorCode: error.code, ErrorMessage: error.message };
    }
  });
  return { FailedEntryCount: results.filter((result) => "ErrorCode" in result).length, Entries: results };
}

function readEntry(entry: Record<string, unknown>, busExists: (name: string) => boolean): EventEntry {
  const { Source: source, DetailType: detailType, Detail: detail, EventBusName: bus = "default" } = entry;
  if (typeof source !== "string" || source === "") throw missing("Source");
  if (typeof detailType !== "string" || detailType === "") throw missing("DetailType");
  if (typeof detail !== "string") throw missing("Detail");
  if (source.startsWith("aws.")) {
    throw new ApiError("NotAuthorizedForSourceException", "Not authorized for the source.");
  }
  const name = busName(String(bus));
  if (!busExists(name)) throw new ApiError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
  const { Resources: resources, Time: time } = entry;
  return {
    bus: name,
    source,
    detailType,
    detail: parseDetail(detail),
    resources: (resources ?? []) as string[],
    time: typeof time === "number" ? time * 1000 : undefined,
  };
}

function missing(name: string): ApiError {
  return new ApiError("InvalidArgument", `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
}

function parseDetail(detail: string): unknown {
  try {
    const parsed: unknown = JSON.parse(detail);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Answered below, as any other value that is no object.
  }
  throw new ApiError("MalformedDetail", "Detail is malformed.");
}

/** A bus is named by its name or its ARN. */
export function busName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf("/") + 1);
}

/** As AWS counts it: 14 bytes for a time, and the bytes of the texts. */
function entrySize(entry: Record<string, unknown>): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...((entry.Resources ?? []) as unknown[])];
  return texts.reduce<number>(
    (sum, text) => sum + Buffer.byteLength(String(text ?? "")),
    entry.Time === undefined ? 0 : 14,
  );
}
