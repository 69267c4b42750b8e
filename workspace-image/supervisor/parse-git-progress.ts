/** What Git says while it works, told apart: progress that replaces itself, and lines that stay. */

/** `Receiving objects:  42% (420/1000), 1.20 MiB | 2.00 MiB/s` */
const PROGRESS = /^(?:remote: )?([A-Z][A-Za-z ]+):\s+(?:(\d{1,3})%|\d+)(?: \(.*)?(?:,.*)?$/;

export interface GitOutput {
  /** `Receiving objects 42 %`, each time it changes. */
  readonly onProgress: (text: string) => void;
  /** A whole line: a message, or the last state of a progress. */
  readonly onLine: (text: string) => void;
}

/** Takes Git's stderr in pieces of any size; `end` gives what is left. */
export class GitProgress {
  readonly #output: GitOutput;
  #rest = "";
  #last = "";

  constructor(output: GitOutput) {
    this.#output = output;
  }

  write(piece: string): void {
    this.#rest += piece;
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      if (end < 0) return;
      const line = this.#rest.slice(0, end).trimEnd();
      this.#rest = this.#rest.slice(end + 1);
      this.#take(line);
    }
  }

  end(): void {
    const line = this.#rest.trimEnd();
    this.#rest = "";
    this.#take(line);
  }

  #take(line: string): void {
    if (line === "") return;
    const match = PROGRESS.exec(line);
    if (!match) {
      this.#output.onLine(line);
      return;
    }
    const [, what, percent] = match;
    if (line.endsWith("done.")) this.#output.onLine(line);
    const text = percent === undefined ? (what as string) : `${what} ${percent} %`;
    if (text === this.#last) return;
    this.#last = text;
    this.#output.onProgress(text);
  }
}
