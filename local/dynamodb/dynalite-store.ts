import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { ApiError } from "../endpoint/api-error.ts";

/**
 * dynalite's actions without its HTTP server: a request comes from the one endpoint of the embedded cloud, and a second
 * hop would cost a millisecond each. Its modules carry no types.
 */
export interface DynaliteStore {
  /** @throws ApiError as DynamoDB words it */
  call(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface DynaliteOptions {
  /** Folder of the LevelDB files; `undefined` in memory. */
  readonly folder: string | undefined;
  readonly region: string;
  readonly accountId: string;
}

interface Failure extends Error {
  readonly statusCode?: number;
  readonly body?: { readonly __type?: string; readonly message?: string; readonly Message?: string } & Record<
    string,
    unknown
  >;
}
type Callback = (error: Failure | null, output: Record<string, unknown>) => void;
interface Store {
  readonly tableDb: { awsRegion: string; awsAccountId: string };
  readonly db: { open(): Promise<void> };
  readonly lifecycleManager: { gracefulClose(callback: (error: Error | null) => void): void };
}
interface Validation {
  readonly types: unknown;
  readonly custom: unknown;
}

const load = createRequire(import.meta.url);

const operations = new Set([
  ...["BatchGetItem", "BatchWriteItem", "CreateTable", "DeleteItem", "DescribeTable", "DescribeTimeToLive", "GetItem"],
  ...["ListTables", "PutItem", "Query", "Scan", "UpdateItem", "UpdateTable"],
]);

export async function openDynalite(options: DynaliteOptions): Promise<DynaliteStore> {
  const { folder: path } = options;
  if (path !== undefined) await mkdir(path, { recursive: true, mode: 0o700 });
  const databases = load("dynalite/db") as { create(settings: unknown): Store };
  const validations = load("dynalite/validations") as {
    toLowerFirst(name: string): string;
    checkTypes(input: unknown, types: unknown): Record<string, unknown>;
    checkValidations(input: unknown, types: unknown, custom: unknown, store: Store): void;
  };
  const store = databases.create({ ...(path === undefined ? {} : { path }), createTableMs: 0, updateTableMs: 0 });
  store.tableDb.awsRegion = options.region;
  store.tableDb.awsAccountId = options.accountId;
  // Opening is what fails when another program has the files; dynalite would only say so at the first request.
  await store.db.open();

  return {
    async call(operation, input) {
      if (!operations.has(operation)) {
        throw new ApiError("UnknownOperationException", `dynamodb:${operation} is not modelled by the embedded cloud`);
      }
      const name = validations.toLowerFirst(operation);
      const validation = load(`dynalite/validations/${name}`) as Validation;
      const action = load(`dynalite/actions/${name}`) as (store: Store, input: unknown, callback: Callback) => void;
      try {
        const checked = validations.checkTypes(input, validation.types);
        validations.checkValidations(checked, validation.types, validation.custom, store);
        return await new Promise((resolve, reject) => {
          action(store, checked, (error, output) => (error ? reject(error) : resolve(output)));
        });
      } catch (thrown) {
        throw translate(thrown as Failure);
      }
    },
    close: () =>
      new Promise((resolve, reject) => {
        store.lifecycleManager.gracefulClose((error) => (error ? reject(error) : resolve()));
      }),
  };
}

function translate(failure: Failure): Error {
  const { statusCode, body } = failure;
  if (statusCode === undefined || body === undefined) return failure;
  const { __type: type = "", message, Message, ...fields } = body;
  return new ApiError(type.slice(type.indexOf("#") + 1), message ?? Message ?? "", statusCode, fields);
}
