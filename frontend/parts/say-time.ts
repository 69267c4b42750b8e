/** Times and prices for people. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `4.2 s`, `1 min 04 s`, `2 h 05 min`. Never negative: clocks differ. */
export function sayDuration(milliseconds: number): string {
  const duration = Math.max(0, milliseconds);
  if (duration < MINUTE_MS) return `${(Math.floor(duration / 100) / 10).toFixed(1)} s`;
  if (duration < HOUR_MS) return `${Math.floor(duration / MINUTE_MS)} min ${pad((duration % MINUTE_MS) / SECOND_MS)} s`;
  return `${Math.floor(duration / HOUR_MS)} h ${pad((duration % HOUR_MS) / MINUTE_MS)} min`;
}

/** `just now`, `5 minutes ago`, `yesterday`, `12 March`. */
export function sayAgo(instant: string, now: number): string {
  const then = Date.parse(instant);
  if (Number.isNaN(then)) return "";
  const ago = now - then;
  if (ago < MINUTE_MS) return "just now";
  if (ago < HOUR_MS) return count(Math.floor(ago / MINUTE_MS), "minute");
  if (ago < DAY_MS) return count(Math.floor(ago / HOUR_MS), "hour");
  if (ago < 2 * DAY_MS) return "yesterday";
  if (ago < 30 * DAY_MS) return count(Math.floor(ago / DAY_MS), "day");
  const year = new Date(then).getFullYear() === new Date(now).getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", ...year }).format(then);
}

/** `$0.049 an hour`. */
export function sayPrice(dollarsPerHour: number): string {
  return `$${dollarsPerHour.toFixed(dollarsPerHour < 1 ? 3 : 2)} an hour`;
}

/** `2 vCPU · 4 GiB`. */
export function saySize({ cpu, memoryMiB }: { cpu: number; memoryMiB: number }): string {
  return `${cpu} vCPU · ${Math.round((memoryMiB / 1024) * 10) / 10} GiB`;
}

function count(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? "" : "s"} ago`;
}

function pad(amount: number): string {
  return String(Math.floor(amount)).padStart(2, "0");
}
