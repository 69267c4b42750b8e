/** Structured log lines (one JSON object each, on standard output), with the fields of the current invocation, and without secrets. */
import { AsyncLocalStorage } from "node:async_hooks";
import { clock, toIso } from "./clock.ts";
import { optionalEnv } from "./config.ts";

export type LogFields = Record<string, unknown>;

/** `LOG_LEVEL`: the least level that is written; `off` for none. */
const LEVELS = { debug: 10, info: 20, warn: 30, error: 40, off: 100 } as const;
type Level = keyof typeof LEVELS;

const context = new AsyncLocalStorage<LogFields>();

/** Runs `work`; every line that it logs carries `fields` too. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return context.run({ ...context.getStore(), ...fields }, work);
}

/** Adds fields, known only now, to all further lines of this invocation: `addLogFields({ instanceId })`. */
export function addLogFields(fields: LogFields): void {
  const store = context.getStore();
  if (store) Object.assign(store, fields);
}

export const log = {
  debug: (message: string, fields?: LogFields) => write("debug", message, fields),
  info: (message: string, fields?: LogFields) => write("info", message, fields),
  warn: (message: string, fields?: LogFields) => write("warn", message, fields),
  /** For what somebody must look at: an alarm counts these lines. */
  error: (message: string, fields?: LogFields) => write("error", message, fields),
};

function write(level: Level, message: string, fields: LogFields = {}): void {
  const least = LEVELS[(optionalEnv("LOG_LEVEL") ?? "info") as Level] ?? LEVELS.info;
  if (LEVELS[level] < least) return;
  const line = { level, time: toIso(clock.now()), message, ...context.getStore(), ...fields };
  // Not `console`: Lambda's own prefixes a plain text line with time and request, and wraps a JSON one in another JSON.
  process.stdout.write(`${JSON.stringify(redact(line))}\n`);
}

const SECRET_NAME = /secret|password|passwd|token|ticket|cookie|authorization|credential|private_?key|signature/i;
/** Fields whose name sounds secret and whose value is none. */
const HARMLESS_NAME = /hash$|count$|^clientToken$|parameter$/i;
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi;
const URL_SECRET = /([?&](?:ticket|atelier-ticket|code|token|access_token|state)=)[^&\s"]+/gi;

/** A copy that can be written down: secrets are replaced, errors spelled out, circles and depths beyond 8 cut. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string")
    return value.replace(URL_CREDENTIALS, "$1[redacted]@").replace(URL_SECRET, "$1[redacted]");
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > 8) return "[deeper]";
  if (value instanceof Error) return redact(describeError(value), depth + 1);
  if (ArrayBuffer.isView(value)) return "[bytes]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAME.test(name) && !HARMLESS_NAME.test(name) && item !== undefined
        ? "[redacted]"
        : redact(item, depth + 1),
    ]),
  );
}

function describeError(error: Error): LogFields {
  const { name, message, stack, cause, ...others } = error as Error & { cause?: unknown };
  return { name, message, stack, ...(cause === undefined ? {} : { cause }), ...others };
}
