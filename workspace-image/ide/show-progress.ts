export interface Progress {
  stage(name: string): void;
  done(): void;
  fail(): void;
}

const REFRESH_MS = 500;

/** One line that is written over, where somebody looks; a line for each stage in a log. */
export function showProgress(title: string, out: NodeJS.WriteStream = process.stdout): Progress {
  const began = Date.now();
  let current = "";
  const elapsed = () => `${Math.round((Date.now() - began) / 1000)} s`;
  const draw = () => out.write(`\r\x1b[K${title}: ${current}, ${elapsed()}`);
  const timer = out.isTTY ? setInterval(draw, REFRESH_MS) : undefined;
  timer?.unref();
  const end = (text: string) => {
    clearInterval(timer);
    out.write(`${out.isTTY ? "\r\x1b[K" : ""}${title}: ${text} (${elapsed()})\n`);
  };
  return {
    stage(name) {
      current = name;
      if (out.isTTY) draw();
      else out.write(`${title}: ${name} (${elapsed()})\n`);
    },
    done: () => end("done"),
    fail: () => end("failed"),
  };
}
