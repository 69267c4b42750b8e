/** What a measurement says, as text. */
import {
  EVENT_MS,
  LAMBDA_COLD_MS,
  LAMBDA_MIB_PER_CPU,
  LAMBDA_WARM_MS,
  LATENCY_MS,
  POLL_MS,
  QUOTAS,
} from "./scale-model.ts";
import type { Outcome, Part, Started } from "./scale-scenario.ts";
import { percentile } from "./statistics.ts";

export function describeModel(rates: Readonly<Record<string, { burst: number; perSecond: number }>>): string {
  const list = (values: object): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  return [
    "All times are simulated, but for those called real. The deployed bundles run, wired by the synthesized template; people are the dashboard's own",
    "client with its connection and store, tasks speak the supervisor's protocol. Assumed (test/bench/scale-model.ts gives the sources):",
    `  calls, ms: ${list(LATENCY_MS)}; each × 0.6 to 1.4, one in a hundred × 5`,
    `  Lambda: ${LAMBDA_WARM_MS} ms warm, ${LAMBDA_COLD_MS} ms cold, plus the function's real processor time × ${LAMBDA_MIB_PER_CPU} MiB / its memory; events ${EVENT_MS} ms, polling ${POLL_MS} ms`,
    "  networks: 3 to 40 ms each way; a task: 1.5 to 9 s of pulling, 0.05 to 0.5 s to begin, 0.5 to 8 s of cloning, 0.3 to 3 s for the editor",
    `  quotas, burst + a second: ${Object.entries({
      ...rates,
      connections: QUOTAS.connections,
      requests: QUOTAS.requests,
      describeInterfaces: QUOTAS.describeInterfaces,
    })
      .map(([name, { burst, perSecond }]) => `${name} ${burst} + ${perSecond}`)
      .join(", ")}; Lambda ${QUOTAS.lambdaConcurrency} at once`,
  ].join("\n");
}

export function describeStart({ scenario, start, ...outcome }: Started): string {
  const { size, kind } = scenario;
  const perStart = [...start.dollars.values()].reduce((sum, one) => sum + one, 0) / size;
  const each = (name: string): string => ((start.counts.get(name) ?? 0) / size).toFixed(1);
  const launchSpan = [50, 95, 100].map((p) => seconds(percentile(outcome.launches, p))).join(" / ");
  const lines = [
    "",
    `${size} workspaces ${kind === "kept" ? "that have their task definitions" : "that are new"}, ${size} dashboards`,
    row(
      "until all run",
      `${seconds(start.simulatedMs)} s; at least ${seconds(outcome.leastMs)} s (buckets ${seconds(outcome.bucketsMs)} s, and what tasks take by themselves)`,
    ),
    row(
      "against the least",
      `${(start.simulatedMs / outcome.leastMs).toFixed(3)} × ${aim(start.simulatedMs / outcome.leastMs <= 1.1)} (aim 1.1)`,
    ),
    row("launched after, s", `${launchSpan} (median / p95 / last)`),
    row("lost or stuck starts", `${outcome.lost} ${aim(outcome.lost === 0)}; ${list(outcome.ends)}`),
    row("a fact to its dashboard", spread(start.pushes)),
    row(
      "API meanwhile",
      `${spread([...start.calls, ...start.posts])} ${aim(percentile([...start.calls, ...start.posts], 95) <= 300)} (aim p95 300 ms)`,
    ),
    row(
      "  asking for the starts",
      `${spread(outcome.asks)}; refused as too busy and pressed again ${outcome.pressedAgain} times`,
    ),
    row("  people, all calls", spread(start.calls)),
    row("  supervisors", spread(start.posts)),
    row("dollars per start", `$${perStart.toFixed(6)} ${aim(perStart <= 0.0002)} (aim $0.0002): ${money(start, size)}`),
    row(
      "per start",
      `${each("invocations")} invocations, ${each("HTTP requests")} HTTP requests, ${each("socket messages")} socket messages, ${each("writes")} writes (${each("write units")} + ${each("write units of indexes")} units), ${each("read units")} read units, ${each("messages")} queue messages, ${each("events of ECS")} events`,
    ),
    row("throttled", throttled(start)),
  ];
  return lines.join("\n");
}

export function describeRest(outcome: Outcome, isLong: boolean): string {
  const { scenario, start, reconnect, stop } = outcome;
  const { size } = scenario;
  const lines = [
    row("at once in Lambda", `${outcome.mostConcurrent}`),
    row(
      "all sockets cut",
      `${seconds(reconnect.simulatedMs)} s until all ${size} are connected and equal; calls ${spread(reconnect.calls)}; ${reconnect.counts.get("connections over the quota") ?? 0} over the quota of connections`,
    ),
    row(
      "all stopped",
      `${seconds(stop.simulatedMs)} s; at least about ${seconds(outcome.leastStopMs)} s; not stopped ${outcome.notStopped} ${aim(outcome.notStopped === 0)}; calls ${spread(stop.calls)}; throttled ${throttled(stop)}`,
    ),
    row(
      "real",
      `${seconds(outcome.realMs)} s in all, ${seconds(outcome.processorMs)} s of processor time, ${seconds(outcome.functionsMs)} of it in functions, ${(start.processorMs / Math.max(1, start.counts.get("invocations") ?? 1)).toFixed(2)} ms an invocation; memory ${Math.round(outcome.memoryBytes / 2 ** 20)} MiB (${(outcome.memoryBytes / 2 ** 10 / size).toFixed(0)} KiB a workspace, its dashboard and its machine)`,
    ),
  ];
  if (outcome.errors.size > 0) lines.push(row("calls that failed", list(outcome.errors)));
  if (isLong) {
    lines.push(row("complaints", `\n${long(outcome.complaints)}`));
    for (const [name, part] of Object.entries({ start, reconnect, stop }))
      lines.push(row(`counted: ${name}`, `\n${long(part.counts)}`));
  }
  return lines.join("\n");
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(25)} ${text}`;
}

function throttled({ counts }: Part): string {
  const named = [...counts].filter(([name]) => /^refused|throttled|over the quota/.test(name));
  return named.length === 0 ? "nothing" : list(new Map(named));
}

function money({ dollars }: Part, size: number): string {
  return [...dollars]
    .sort(([, a], [, b]) => b - a)
    .map(([name, amount]) => `${name} ${((amount / size) * 1e6).toFixed(1)}`)
    .join(", ")
    .concat(" millionths");
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join("; ");
}

function long(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `      ${String(Math.round(count)).padStart(9)}  ${name}`)
    .join("\n");
}

function spread(sample: readonly number[]): string {
  if (sample.length === 0) return "none";
  const [a, b, c] = [50, 95, 99].map((p) => percentile(sample, p).toFixed(0));
  return `p50 ${a}, p95 ${b}, p99 ${c} ms (n ${sample.length})`;
}

function aim(isReached: boolean): string {
  return isReached ? "✓" : "✗";
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
