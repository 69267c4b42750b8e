/** A common axis for bars: from the left edge to the right one. */

export interface Axis {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** Share of the axis's width, in percent. */
export interface Place {
  readonly left: number;
  readonly width: number;
}

/** Where a bar stands; never outside of the axis. */
export function placeOn({ from, to }: Axis, startedAt: number, endedAt: number): Place {
  const length = Math.max(1, to - from);
  const share = (at: number) => (100 * (Math.min(Math.max(at, from), to) - from)) / length;
  return { left: share(startedAt), width: Math.max(0, share(endedAt) - share(startedAt)) };
}

const MOST_TICKS = 5;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** Steps that people read easily. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600].map((minutes) => minutes * MINUTE_MS),
];

/** Milliseconds from the axis's beginning, the first being 0. The last leaves room for its label. */
export function ticksOf({ from, to }: Axis): number[] {
  const length = Math.max(1, to - from);
  const step = STEPS_MS.find((one) => length / one <= MOST_TICKS) ?? length;
  const ticks: number[] = [];
  for (let tick = 0; tick <= length * 0.94; tick += step) ticks.push(tick);
  return ticks;
}

/** `0 s`, `200 ms`, `5 s`, `2 min`. */
export function sayTick(milliseconds: number): string {
  if (milliseconds >= MINUTE_MS && milliseconds % MINUTE_MS === 0) return `${milliseconds / MINUTE_MS} min`;
  if (milliseconds === 0 || milliseconds >= SECOND_MS) return `${milliseconds / SECOND_MS} s`;
  return `${milliseconds} ms`;
}
