/** Sends the lines of a start to the control plane: in order, in batches, each until it is acknowledged. */
import { type Clock, pause } from "./clock.ts";

/** Lines that come together go together; */
const LONGEST_WAIT_MS = 200;
/** and while more of them come, a batch a second looks live and costs a fifth. */
const SHORTEST_INTERVAL_MS = 1_000;
/** With three bytes a character this is 24 kB: under the 30,000 of a socket's message, in which dashboards get it. */
const MAX_BATCH_CHARACTERS = 8_000;
/** What waits while the control plane is away. Beyond that the oldest is left out. */
const MAX_WAITING_CHARACTERS = 512_000;

export interface LogShipperOptions {
  readonly clock: Clock;
  /** Returns once acknowledged; throws when it never will be. */
  readonly send: (batch: { sequence: number; text: string }) => Promise<unknown>;
}

export class LogShipper {
  readonly #options: LogShipperOptions;
  #waiting = "";
  #sequence = 0;
  #running: Promise<void> | undefined;
  #hurry = new AbortController();
  #lastAt = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(options: LogShipperOptions) {
    this.#options = options;
  }

  /** Adds a line; its end is added when missing. */
  line(text: string): void {
    this.#waiting += text.endsWith("\n") ? text : `${text}\n`;
    if (this.#waiting.length > MAX_WAITING_CHARACTERS) {
      const from = cutAt(this.#waiting, this.#waiting.length - MAX_WAITING_CHARACTERS / 2);
      this.#leftOut += from;
      this.#waiting = this.#waiting.slice(from);
    }
    if (this.#waiting.length >= MAX_BATCH_CHARACTERS) this.#hurry.abort();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Ends when everything that was logged so far is acknowledged. */
  async flush(): Promise<void> {
    while (this.#running) {
      this.#hurry.abort();
      await this.#running;
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting !== "") {
      if (this.#waiting.length < MAX_BATCH_CHARACTERS) {
        const { clock } = this.#options;
        const left = this.#lastAt + SHORTEST_INTERVAL_MS - clock.now();
        await pause(clock, Math.max(LONGEST_WAIT_MS, left), this.#hurry.signal);
      }
      this.#lastAt = this.#options.clock.now();
      this.#hurry = new AbortController();
      const note = this.#leftOut > 0 ? `[${this.#leftOut} characters of the log were left out]\n` : "";
      this.#leftOut = 0;
      const end = cutAt(this.#waiting, MAX_BATCH_CHARACTERS);
      const text = note + this.#waiting.slice(0, end);
      this.#waiting = this.#waiting.slice(end);
      this.#sequence += 1;
      // A batch that is refused for good is lost; the next may be taken.
      await this.#options.send({ sequence: this.#sequence, text }).catch(() => undefined);
    }
  }
}

/** Where to cut so that at most `length` characters come first: after a line if there is one, never inside a character. */
function cutAt(text: string, length: number): number {
  if (text.length <= length) return text.length;
  const line = text.lastIndexOf("\n", length - 1);
  if (line > 0) return line + 1;
  const code = text.charCodeAt(length - 1);
  return code >= 0xd800 && code <= 0xdbff ? length - 1 : length;
}
