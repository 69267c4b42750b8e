import type { Logger } from "../service.ts";

/** Writes a function's lines to the log under its name: JSON lines keep their level and fields, others are `info`. */
export function createOutputForwarder(log: Logger, functionName: string): (line: string) => void {
  return (line) => {
    if (line.trim() === "") return;
    const { level, message, ...fields } = parseLine(line);
    log[level](message, { ...fields, function: functionName });
  };
}

function parseLine(line: string): { level: "info" | "warn" | "error"; message: string } & Record<string, unknown> {
  if (line.startsWith("{")) {
    try {
      const {
        level,
        message,
        time: _time,
        timestamp: _timestamp,
        ...fields
      } = JSON.parse(line) as Record<string, unknown>;
      return { ...fields, level: toLevel(level), message: String(message ?? "") };
    } catch {
      // Text that happens to begin like JSON.
    }
  }
  return { level: "info", message: line };
}

function toLevel(level: unknown): "info" | "warn" | "error" {
  const name = String(level).toLowerCase();
  if (name === "error" || name === "fatal" || name === "critical") return "error";
  return name === "warn" || name === "warning" ? "warn" : "info";
}
