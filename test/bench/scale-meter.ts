/** Counts what is done and what it costs on AWS. */
import type { Item } from "../faults/memory-tables.ts";
import { PLATFORM_LOG_BYTES, PRICES, READ_UNIT_BYTES, WRITE_UNIT_BYTES } from "./scale-model.ts";

/** Hash and range of the table's indexes; both project all. */
const INDEXES = [
  ["gsi1pk", "gsi1sk"],
  ["gsi2pk", "gsi2sk"],
] as const;

export class Meter {
  /** What was counted, by name. */
  readonly counts = new Map<string, number>();
  readonly dollars = new Map<string, number>();

  add(name: string, count = 1, price = 0, kind = name): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
    if (price > 0) this.dollars.set(kind, (this.dollars.get(kind) ?? 0) + count * price);
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  reset(): void {
    this.counts.clear();
    this.dollars.clear();
  }

  get total(): number {
    return [...this.dollars.values()].reduce((sum, one) => sum + one, 0);
  }

  invocation(ms: number, memoryMb: number): void {
    this.add("invocations", 1, PRICES.invocation, "Lambda");
    this.add("gigabyte-seconds", (Math.ceil(ms) / 1_000) * (memoryMb / 1_024), PRICES.gigabyteSecond, "Lambda");
    this.add("log bytes", PLATFORM_LOG_BYTES, PRICES.logByte, "logs");
  }

  /** @param bytes of the answer; JSON is somewhat longer than what is billed */
  read(operation: string, request: Buffer, bytes: number): void {
    if (operation !== "GetItem" && operation !== "Query") return;
    const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
    const isConsistent = request.includes('"ConsistentRead":true');
    this.add("read units", isConsistent ? units : units / 2, PRICES.readUnit, "table");
  }

  write(before: Item | undefined, after: Item | undefined): void {
    const sizes = [sizeOf(before), sizeOf(after)];
    const units = Math.ceil(Math.max(...sizes) / WRITE_UNIT_BYTES);
    this.add("writes");
    this.add("write units", units, PRICES.writeUnit, "table");
    for (const [hash, range] of INDEXES) {
      const [from, to] = [before, after].map((item) => item?.[hash] && JSON.stringify([item[hash], item[range]]));
      // A new key is a deletion and a put.
      const times = from === to ? (to ? 1 : 0) : (from ? 1 : 0) + (to ? 1 : 0);
      this.add("write units of indexes", times * units, PRICES.writeUnit, "indexes");
    }
  }
}

/** Bytes as DynamoDB counts them, roughly: names and values. */
function sizeOf(item: Item | undefined): number {
  return item ? Object.entries(item).reduce((sum, [name, value]) => sum + name.length + valueSize(value), 0) : 0;
}

function valueSize(value: Record<string, unknown>): number {
  const [[kind, inner] = ["NULL", true]] = Object.entries(value);
  switch (kind) {
    case "S":
      return Buffer.byteLength(String(inner));
    case "N":
      return Math.ceil(String(inner).length / 2) + 1;
    case "M":
      return 3 + sizeOf(inner as Item) + Object.keys(inner as object).length;
    case "L":
      return 3 + (inner as Record<string, unknown>[]).reduce((sum, one) => sum + 1 + valueSize(one), 0);
    default:
      return 1;
  }
}
