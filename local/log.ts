import type { Logger } from "./service.ts";

export type Level = "info" | "warn" | "error";
export type LogSink = (level: Level, message: string, fields: Record<string, unknown>) => void;

export function createLogger(sink: LogSink, bound: Record<string, unknown> = {}): Logger {
  const write =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      sink(level, message, { ...bound, ...fields });
  return { info: write("info"), warn: write("warn"), error: write("error") };
}

/** JSON lines: one object a line, for the log file. */
export function jsonLines(write: (line: string) => void, now: () => number): LogSink {
  return (level, message, fields) => {
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, ...fields, message })}\n`);
  };
}

/** Only what a person at the terminal must see: warnings and errors, in one line each. */
export function terminalLines(write: (line: string) => void): LogSink {
  return (level, message, fields) => {
    if (level === "info") return;
    const { service, function: functionName, ...rest } = fields;
    const origin = functionName ?? service;
    const details = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
    write(`${level}${origin === undefined ? "" : ` ${String(origin)}`}: ${message}${details}\n`);
  };
}

export function everySink(...sinks: readonly LogSink[]): LogSink {
  return (level, message, fields) => {
    for (const sink of sinks) sink(level, message, fields);
  };
}
