import { answerJson, type JsonOperation, operationName, parseJsonBody } from "../endpoint/json-protocol.ts";
import type { ApiRequest, Service, ServiceContext, Timer } from "../service.ts";
import { type DynaliteStore, openDynalite } from "./dynalite-store.ts";
import { expireItems } from "./expire-items.ts";
import { tableProvider } from "./table-provider.ts";

/** AWS deletes within days; every five minutes keeps the files small and nobody should depend on it. */
const expiryIntervalMs = 5 * 60_000;

/** Tables on LevelDB, through dynalite. */
/** @param open what keeps the tables */
export async function createDynamodb(context: ServiceContext, open = openDynalite): Promise<Service> {
  const { clock, log, region, accountId } = context;
  const store = await open({ folder: context.stateDirectory, region, accountId });
  const expiring = new Map<string, string>();
  const arnOf = (table: string): string => `arn:aws:dynamodb:${region}:${accountId}:table/${table}`;
  let timer: Timer | undefined;
  let expiry: Promise<void> = Promise.resolve();
  let stopped = false;

  function scheduleExpiry(): void {
    timer = clock.setTimeout(() => {
      expiry = expireAll(store, expiring, clock.now())
        .catch((error: unknown) => log.error("expired items could not be deleted", { error: String(error) }))
        .then(() => (stopped ? undefined : scheduleExpiry()));
    }, expiryIntervalMs);
  }

  return {
    name: "dynamodb",
    resources: {
      "AWS::DynamoDB::Table": tableProvider({
        store,
        arnOf,
        expireBy: (table, attribute) => expiring.set(table, attribute),
      }),
    },
    api: {
      signingName: "dynamodb",
      handle: (request) => {
        const name = operationName(request);
        const operation: JsonOperation = (input) => store.call(name, input);
        return answerJson(request, { [name]: operation });
      },
    },
    permissions: (request) => tablePermissions(request, arnOf),
    async start() {
      if (expiring.size > 0) scheduleExpiry();
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await expiry;
      await store.close();
    },
  };
}

async function expireAll(store: DynaliteStore, expiring: ReadonlyMap<string, string>, now: number): Promise<void> {
  for (const [table, attribute] of expiring) await expireItems(store, table, attribute, now);
}

/** `dynamodb:<Operation>` on the table, on its index when one is read, on each table of a batch. */
function tablePermissions(
  request: ApiRequest,
  arnOf: (table: string) => string,
): { action: string; resource: string }[] {
  const input = parseJsonBody(request);
  const action = `dynamodb:${operationName(request)}`;
  const batch = input.RequestItems as Record<string, unknown> | undefined;
  if (batch !== undefined) return Object.keys(batch).map((table) => ({ action, resource: arnOf(table) }));
  const index = input.IndexName === undefined ? "" : `/index/${String(input.IndexName)}`;
  return [{ action, resource: arnOf(String(input.TableName ?? "")) + index }];
}
