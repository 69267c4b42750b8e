/** Nearest-rank percentile of a sample. @param p 0 to 100 */
export function percentile(sample: readonly number[], p: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export interface Row {
  what: string;
  /** Milliseconds. */
  sample: readonly number[];
}

/** A line a row: n, median and p95 in seconds; with the ratio of its median to that of `floor`. */
export function table(rows: readonly Row[], floor?: Row): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows
    .map((row) => {
      const [median, p95] = [percentile(row.sample, 50), percentile(row.sample, 95)];
      const ratio = floor && floor !== row ? `  ${(median / percentile(floor.sample, 50)).toFixed(2)} × floor` : "";
      return `${row.what.padEnd(width)}  n=${String(row.sample.length).padStart(3)}  median ${seconds(median)}  p95 ${seconds(p95)}${ratio}`;
    })
    .join("\n");
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(1).padStart(6)} ms` : `${(ms / 1_000).toFixed(2).padStart(6)} s `;
}
