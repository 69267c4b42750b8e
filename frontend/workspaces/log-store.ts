/** The log of one run, put together from pushes and catch-ups that overlap, in whatever order they come. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { LogLines } from "./log-lines.ts";

export interface LogChunk {
  readonly sequence: number;
  readonly text: string;
}

export interface LogView {
  readonly lines: readonly string[];
  /** Number of the first line that is still kept, from 0. */
  readonly firstLine: number;
}

export class RunLog {
  readonly #chunks = new Map<number, string>();
  readonly #view = signal<LogView>({ lines: [], firstLine: 0 });
  #lines = new LogLines();
  #last = 0;
  #completeTo = 0;

  get view(): ReadonlySignal<LogView> {
    return this.#view;
  }

  /** Up to this sequence number nothing is missing: the place to catch up from. */
  get completeTo(): number {
    return this.#completeTo;
  }

  /**
   * @param after given for an answer of the server to `logAfter`: it holds all there is after that number, so that a number
   *   that it leaves out does not exist (the oldest chunks expire)
   * @returns whether a chunk between these and the earlier ones is missing, so that catching up is worth a call
   */
  add(chunks: readonly LogChunk[], after?: number): boolean {
    const news = chunks
      .filter(({ sequence }) => !this.#chunks.has(sequence))
      .sort((one, other) => one.sequence - other.sequence);
    for (const { sequence, text } of news) this.#chunks.set(sequence, text);
    if (after !== undefined && after <= this.#completeTo) {
      for (const { sequence } of chunks) this.#completeTo = Math.max(this.#completeTo, sequence);
    }
    while (this.#chunks.has(this.#completeTo + 1)) this.#completeTo += 1;
    if (news.length > 0) this.#show(news);
    return this.#completeTo < this.#last;
  }

  #show(news: readonly LogChunk[]): void {
    if ((news[0] as LogChunk).sequence > this.#last) for (const { text } of news) this.#lines.append(text);
    else this.#rebuild();
    this.#last = Math.max(this.#last, (news.at(-1) as LogChunk).sequence);
    this.#publish();
  }

  /** Something came before what was shown: rare, so all is written again. */
  #rebuild(): void {
    this.#lines = new LogLines();
    for (const [, text] of [...this.#chunks].sort(([one], [other]) => one - other)) this.#lines.append(text);
  }

  #publish(): void {
    const { lines, dropped } = this.#lines;
    // The line being written is empty right after a line's end.
    const shown = lines.at(-1) === "" ? lines.slice(0, -1) : lines.slice();
    this.#view.value = { lines: shown, firstLine: dropped };
  }
}

/** The logs of the runs that this tab has looked at. */
export class LogBook {
  readonly #runs = new Map<string, RunLog>();

  of(instanceId: string): RunLog {
    const known = this.#runs.get(instanceId);
    if (known) return known;
    const log = new RunLog();
    this.#runs.set(instanceId, log);
    return log;
  }
}
