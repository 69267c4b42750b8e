/** What a terminal would show of a log: `\r` goes back to the start of the line, control sequences are not shown. */

/** Older lines are let go: a page with more is slow, and nobody reads them here. */
const MAX_LINES = 5_000;
/** A line without an end must not grow without one either. */
const MAX_LINE_LENGTH = 4_000;
/** A control sequence that has not ended after so much is none. */
const MAX_SEQUENCE_LENGTH = 256;

const ESCAPE = "\u001b";
const BELL = "\u0007";
/** What follows an escape (ECMA-48): a control sequence with parameters and its final character, or a single character. */
const SEQUENCE = /\[([0-?]*)[ -/]*([@-~])|[^[\]]/y;

export class LogLines {
  /** Finished lines and the one being written, which is last. */
  readonly lines: string[] = [""];
  /** How many lines were let go at the front. */
  dropped = 0;
  #column = 0;
  /** The begin of a control sequence that the next chunk goes on with. */
  #rest = "";

  append(text: string): void {
    const input = this.#rest + text;
    this.#rest = "";
    let index = 0;
    while (index < input.length) {
      const next = this.#step(input, index);
      if (next === undefined) {
        this.#rest = input.slice(index);
        break;
      }
      index = next;
    }
    if (this.lines.length > MAX_LINES) {
      const surplus = this.lines.length - MAX_LINES;
      this.lines.splice(0, surplus);
      this.dropped += surplus;
    }
  }

  /** @returns where to go on; `undefined` when more input is needed to know */
  #step(input: string, index: number): number | undefined {
    const character = input[index] as string;
    if (character === "\n") {
      this.lines.push("");
      this.#column = 0;
    } else if (character === "\r") this.#column = 0;
    else if (character === ESCAPE) return this.#escape(input, index + 1);
    else if (!isControl(input.charCodeAt(index))) {
      let end = index + 1;
      while (end < input.length && !isControl(input.charCodeAt(end))) end += 1;
      this.#put(input.slice(index, end));
      return end;
    }
    return index + 1;
  }

  #escape(input: string, start: number): number | undefined {
    if (input[start] === "]") {
      // A title or a link: ends with a bell or with an escape.
      const ends = [input.indexOf(BELL, start), input.indexOf(ESCAPE, start)].filter((end) => end >= 0);
      if (ends.length > 0) return Math.min(...ends) + (input[Math.min(...ends)] === BELL ? 1 : 0);
    } else {
      SEQUENCE.lastIndex = start;
      const sequence = SEQUENCE.exec(input);
      if (sequence?.[2] === "K") this.#erase(sequence[1] ?? "");
      if (sequence) return start + sequence[0].length;
    }
    return input.length - start > MAX_SEQUENCE_LENGTH ? start : undefined;
  }

  #put(text: string): void {
    const last = this.lines.length - 1;
    const line = this.lines[last] as string;
    const end = this.#column + text.length;
    this.lines[last] = (line.slice(0, this.#column) + text + line.slice(end)).slice(0, MAX_LINE_LENGTH);
    this.#column = Math.min(end, MAX_LINE_LENGTH);
  }

  #erase(mode: string): void {
    const last = this.lines.length - 1;
    if (mode === "2") this.lines[last] = "".padEnd(this.#column);
    else if (mode === "" || mode === "0") this.lines[last] = (this.lines[last] as string).slice(0, this.#column);
  }
}

/** Of control characters, only the tab is shown. */
function isControl(code: number): boolean {
  return code === 0x7f || (code < 0x20 && code !== 0x09);
}
