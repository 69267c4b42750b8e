import type { Logger } from "#local/service.ts";

export interface LogLine {
  readonly at: number;
  readonly from: string;
  readonly text: string;
}

/** What the embedded cloud has to say, but for what is as it should be. */
export function historyLog(isLive: () => boolean, note: (from: string, text: string) => void): Logger {
  const write =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (isLive()) note(`${level} ${String(fields.service)}`, `${message} ${JSON.stringify(fields)}`);
    };
  return { info: () => undefined, warn: write("warn"), error: write("error") };
}
