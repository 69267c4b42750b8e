import { createWriteStream, renameSync, statSync } from "node:fs";
import { finished } from "node:stream/promises";

/** Above it, a start puts the file aside as `<file>.1` and begins a new one. */
const maxBytes = 10 * 1024 * 1024;

export interface LogFile {
  write(line: string): void;
  close(): Promise<void>;
}

/** A file that only its owner reads. A full disk loses lines, not the program. */
export function openLogFile(file: string): LogFile {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) renameSync(file, `${file}.1`);
  const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
  let failed = false;
  stream.on("error", (error) => {
    if (!failed) process.stderr.write(`warn: ${file} cannot be written: ${error.message}\n`);
    failed = true;
  });
  return {
    write: (line) => void (failed || stream.write(line)),
    async close() {
      stream.end();
      await finished(stream).catch(() => undefined);
    },
  };
}
