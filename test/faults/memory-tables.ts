/**
 * Tables for histories: dynalite's own validation and actions over maps in memory, in one synchronous step, so that thousands of
 * histories are quick and nothing depends on real time. Queries and scans are ours; a test holds all of it against dynalite.
 */
import { createRequire } from "node:module";
import type { DynaliteStore } from "#local/dynamodb/dynalite-store.ts";
import { ApiError } from "#local/endpoint/api-error.ts";

type Value = Record<string, unknown>;
export type Item = Record<string, Value>;

interface KeyElement {
  readonly AttributeName: string;
  readonly KeyType: string;
}
interface Table {
  readonly TableName: string;
  readonly KeySchema: readonly KeyElement[];
  readonly GlobalSecondaryIndexes?: readonly { IndexName: string; KeySchema: readonly KeyElement[] }[];
  TableStatus: string;
}
interface Failure extends Error {
  readonly statusCode?: number;
  readonly body?: { readonly __type?: string; readonly message?: string } & Record<string, unknown>;
}
type Callback = (error: Failure | null | undefined, output?: unknown) => void;

const load = createRequire(import.meta.url);
const db = load("dynalite/db") as {
  createKey(item: unknown, table: Table): string;
  compare(operator: string, value: unknown, operands: readonly unknown[]): boolean;
  matchesExprFilter(item: Item, expression: unknown): boolean;
  mapPaths(paths: unknown, item: Item): Item;
};
const validations = load("dynalite/validations") as {
  toLowerFirst(name: string): string;
  checkTypes(input: unknown, types: unknown): Record<string, unknown>;
  checkValidations(input: unknown, types: unknown, custom: unknown, store: unknown): void;
};

/** What is told of every change, in the moment of the change. `undefined` for an item that is not (any more) there. */
export type Watch = (before: Item | undefined, after: Item | undefined) => void;

interface Kept {
  readonly table: Table;
  readonly items: Map<string, Item>;
  /** Keys of items by hash attribute and its value, so that a query need not look at all of them. */
  readonly byHash: Map<string, Map<string, Set<string>>>;
  /** What was there before, by time, as far back as an index can lag. */
  readonly past: { readonly at: number; readonly key: string; readonly before: Item | undefined }[];
}

/** AWS tells of fractions of a second, and of more when much is written; a fault may take longer. */
export const MAX_INDEX_LAG_MS = 30_000;

/** Tables that outlast a cloud. */
export class MemoryTables {
  readonly #tables = new Map<string, Kept>();
  watch: Watch = () => undefined;
  now: () => number = () => 0;
  /** How long ago it was what the next query of an index answers, in milliseconds. Indexes follow their tables; a query may see it. */
  indexLag: (() => number) | undefined;

  items(): Item[] {
    return [...this.#tables.values()].flatMap(({ items }) => [...items.values()]);
  }

  /** For a cloud; once it has ended, what it still writes is lost. */
  open(isLive: () => boolean): DynaliteStore {
    return {
      call: async (operation, input) => {
        if (!isLive()) throw new Error("This cloud has ended.");
        return this.#call(operation, input);
      },
      close: async () => undefined,
    };
  }

  #call(operation: string, input: Record<string, unknown>): Record<string, unknown> {
    if (operation === "CreateTable") return this.#createTable(input);
    const kept = this.#tables.get(String(input.TableName));
    if (operation === "DescribeTable") {
      if (kept === undefined) throw new ApiError("ResourceNotFoundException", "Requested resource not found");
      return { Table: kept.table };
    }
    const name = validations.toLowerFirst(operation);
    const validation = load(`dynalite/validations/${name}`) as { types: unknown; custom: unknown };
    try {
      const checked = validations.checkTypes(input, validation.types);
      validations.checkValidations(checked, validation.types, validation.custom, { options: { maxItemSize: 409_600 } });
      if (operation === "Query") return this.#query(checked as unknown as QueryInput);
      if (operation === "Scan") return this.#scan(checked as unknown as ScanInput);
      if (operation === "BatchWriteItem") return this.#batchWrite(checked);
      return this.#act(name, checked);
    } catch (thrown) {
      throw translate(thrown as Failure);
    }
  }

  #createTable(input: Record<string, unknown>): Record<string, unknown> {
    const table = { ...structuredClone(input), TableStatus: "ACTIVE" } as unknown as Table;
    const indexed = [table, ...(table.GlobalSecondaryIndexes ?? [])].map(({ KeySchema: [hash] }) => hash);
    const byHash = new Map(indexed.map((hash) => [hash?.AttributeName ?? "", new Map<string, Set<string>>()]));
    this.#tables.set(table.TableName, { table, items: new Map(), byHash, past: [] });
    return { TableDescription: table };
  }

  /** One of dynalite's actions: with a store that answers at once, it is done when the call returns. */
  #act(name: string, input: Record<string, unknown>): Record<string, unknown> {
    const action = load(`dynalite/actions/${name}`) as (store: unknown, input: unknown, done: Callback) => void;
    let outcome: { error?: Failure; output?: unknown } | undefined;
    action(this.#store, input, (error, output) => {
      outcome = error ? { error } : { output };
    });
    if (outcome === undefined) throw new Error(`dynalite's ${name} did not answer at once.`);
    if (outcome.error) throw outcome.error;
    return outcome.output as Record<string, unknown>;
  }

  readonly #store = {
    options: { maxItemSize: 409_600 },
    getTable: (name: string, ...rest: unknown[]) => {
      const done = rest.at(-1) as Callback;
      const kept = this.#tables.get(name);
      if (kept) return done(null, kept.table);
      done(Object.assign(new Error("missing"), { statusCode: 400, body: { __type: "#ResourceNotFoundException" } }));
    },
    getItemDb: (name: string) => {
      const { items, byHash, past } = this.#tables.get(name) as Kept;
      const change = (key: string, after: Item | undefined, done: Callback): void => {
        const before = items.get(key);
        if (this.indexLag) past.push({ at: this.now(), key, before });
        while ((past[0]?.at ?? 0) < this.now() - MAX_INDEX_LAG_MS) past.shift();
        if (after === undefined) items.delete(key);
        else items.set(key, after);
        for (const [hash, keys] of byHash) moveKey(keys, key, textOf(before?.[hash]), textOf(after?.[hash]));
        this.watch(before, after);
        done(null);
      };
      return {
        lock: (_key: string, run: (release: (done: Callback) => Callback) => void) => run((done) => done),
        get: (key: string, done: Callback) => done(null, items.get(key)),
        put: (key: string, item: Item, done: Callback) => change(key, item, done),
        del: (key: string, done: Callback) => change(key, undefined, done),
      };
    },
    // Indexes are found by looking at all items of their hash.
    getIndexDb: () => ({
      put: (_key: string, _item: Item, done: Callback) => done(null),
      del: (_key: string, done: Callback) => done(null),
    }),
  };

  #batchWrite(input: Record<string, unknown>): Record<string, unknown> {
    for (const [TableName, writes] of Object.entries(input.RequestItems as Record<string, Value[]>)) {
      for (const write of writes) {
        const { PutRequest: put, DeleteRequest: remove } = write as { PutRequest?: Item; DeleteRequest?: Item };
        this.#act(put ? "putItem" : "deleteItem", { TableName, ...(put ?? remove) });
      }
    }
    return { UnprocessedItems: {} };
  }

  #query(input: QueryInput): Record<string, unknown> {
    const { table, items, byHash, past } = this.#find(input.TableName);
    const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === input.IndexName);
    const [hash, range] = (index ?? table).KeySchema.map(({ AttributeName }) => AttributeName) as [string, string];
    const conditions = Object.entries(input.KeyConditions);
    const keys = byHash.get(hash)?.get(textOf(input.KeyConditions[hash]?.AttributeValueList[0] as Value) ?? "") ?? [];
    const lagMs = index ? (this.indexLag?.() ?? 0) : 0;
    const then = itemsBefore(past, this.now() - lagMs);
    const found = [...new Set([...keys, ...then.keys()])]
      .map((key) => (then.has(key) ? then.get(key) : items.get(key)))
      .filter((item) => item !== undefined)
      .filter((item) => item[hash] !== undefined && item[range] !== undefined)
      .filter((item) =>
        conditions.every(([name, { ComparisonOperator: operator, AttributeValueList: operands }]) =>
          db.compare(operator, item[name], operands),
        ),
      )
      .sort(
        (a, b) =>
          compareKeys(a[range] as Value, b[range] as Value) ||
          (db.createKey(a, table) < db.createKey(b, table) ? -1 : 1),
      );
    if (input.ScanIndexForward === false) found.reverse();
    return answer(found, input);
  }

  #scan(input: ScanInput): Record<string, unknown> {
    return answer([...this.#find(input.TableName).items.values()], input);
  }

  #find(name: string): Kept {
    const kept = this.#tables.get(name);
    if (kept === undefined) throw new ApiError("ResourceNotFoundException", "Requested resource not found");
    return kept;
  }
}

/** What those items were then that have changed since. */
function itemsBefore(past: Kept["past"], then: number): Map<string, Item | undefined> {
  const before = new Map<string, Item | undefined>();
  for (let at = past.length - 1; at >= 0 && (past[at]?.at ?? 0) > then; at -= 1) {
    const change = past[at] as Kept["past"][number];
    before.set(change.key, change.before);
  }
  return before;
}

interface ScanInput {
  readonly TableName: string;
  readonly _filter?: { expression: unknown };
  readonly _projection?: { paths: unknown };
}
interface QueryInput extends ScanInput {
  readonly IndexName?: string;
  readonly KeyConditions: Record<string, { ComparisonOperator: string; AttributeValueList: unknown[] }>;
  readonly ScanIndexForward?: boolean;
}

/** All of it in one page: histories are small. */
function answer(
  found: readonly Item[],
  { _filter: filter, _projection: projection }: ScanInput,
): Record<string, unknown> {
  const kept = filter ? found.filter((item) => db.matchesExprFilter(item, filter.expression)) : found;
  const Items = projection ? kept.map((item) => db.mapPaths(projection.paths, item)) : kept;
  return { Items, Count: Items.length, ScannedCount: found.length };
}

function textOf(value: Value | undefined): string | undefined {
  return value && JSON.stringify(value);
}

function moveKey(keys: Map<string, Set<string>>, key: string, from: string | undefined, to: string | undefined): void {
  if (from === to) return;
  if (from !== undefined) {
    keys.get(from)?.delete(key);
    if (keys.get(from)?.size === 0) keys.delete(from);
  }
  if (to === undefined) return;
  const there = keys.get(to);
  if (there) there.add(key);
  else keys.set(to, new Set([key]));
}

function compareKeys(a: Value, b: Value): number {
  if (typeof a.N === "string" && typeof b.N === "string") return Number(a.N) - Number(b.N);
  return Buffer.compare(Buffer.from(String(a.S ?? a.B)), Buffer.from(String(b.S ?? b.B)));
}

function translate(failure: Failure): Error {
  const { statusCode, body } = failure;
  if (statusCode === undefined || body === undefined) return failure;
  const { __type: type = "", message = "", ...fields } = body;
  return new ApiError(type.slice(type.indexOf("#") + 1), message, statusCode, fields);
}
