import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogLines } from "./log-lines.ts";

function shown(...chunks: string[]): string[] {
  const log = new LogLines();
  for (const chunk of chunks) log.append(chunk);
  return log.lines;
}

describe("a log as a terminal shows it", () => {
  it("lets a progress line overwrite itself", () => {
    expect(shown("Receiving objects:  9%\rReceiving objects: 10%\rReceiving objects: 100%, done.\n")).toEqual([
      "Receiving objects: 100%, done.",
      "",
    ]);
  });

  it("keeps what a shorter text does not overwrite, unless it is erased", () => {
    expect(shown("abcdef\rxy")).toEqual(["xycdef"]);
    expect(shown("abcdef\rxy\u001b[K")).toEqual(["xy"]);
  });

  it("takes a carriage return before a line feed as one line's end", () => {
    expect(shown("one\r\ntwo\r\n")).toEqual(["one", "two", ""]);
  });

  it("shows no colours, titles or other control sequences", () => {
    expect(shown("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007plain\u0008\u0000")).toEqual(["red plain"]);
  });

  it("is the same however the text is cut into chunks", () => {
    const piece = fc.constantFrom(
      "a",
      "bc",
      "\r",
      "\n",
      "\r\n",
      "\u001b[32m",
      "\u001b[K",
      "\u001b]0;t\u0007",
      "\t",
      "é",
    );
    const cut = fc
      .array(piece, { maxLength: 30 })
      .map((pieces) => pieces.join(""))
      .chain((text) =>
        fc.record({ text: fc.constant(text), at: fc.array(fc.nat({ max: text.length }), { maxLength: 5 }) }),
      );
    fc.assert(
      fc.property(cut, ({ text, at }) => {
        const edges = [0, ...at.sort((a, b) => a - b), text.length];
        const chunks = edges.slice(1).map((end, index) => text.slice(edges[index], end));
        expect(shown(...chunks)).toEqual(shown(text));
      }),
    );
  });

  it("lets go of the oldest of very many lines, and counts them", () => {
    const log = new LogLines();
    for (let line = 1; line <= 6_000; line += 1) log.append(`${line}\n`);
    expect(log.dropped + log.lines.length).toBe(6_001);
    expect(log.lines[0]).toBe(String(log.dropped + 1));
    expect(log.lines.length).toBeLessThanOrEqual(5_000);
  });
});
