import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainGitFailure } from "./explain-git-failure.ts";
import { GitProgress } from "./parse-git-progress.ts";

const RECORDED =
  "Cloning into '/workspace/.atelier/clone-1'...\nremote: Enumerating objects: 3, done.        \n" +
  "remote: Counting objects:  33% (1/3)        \rremote: Counting objects: 100% (3/3)        \rremote: Counting objects: 100% (3/3), done.        \n" +
  "Receiving objects:  42% (420/1000), 1.20 MiB | 2.00 MiB/s\rReceiving objects: 100% (1000/1000), 2.40 MiB | 2.00 MiB/s, done.\n" +
  "fatal: the end";

function read(pieces: string[]): { progress: string[]; lines: string[] } {
  const progress: string[] = [];
  const lines: string[] = [];
  const git = new GitProgress({ onProgress: (text) => progress.push(text), onLine: (line) => lines.push(line) });
  for (const piece of pieces) git.write(piece);
  git.end();
  return { progress, lines };
}

describe("GitProgress", () => {
  it("tells progress from lines that stay", () => {
    expect(read([RECORDED])).toEqual({
      progress: [
        "Enumerating objects",
        "Counting objects 33 %",
        "Counting objects 100 %",
        "Receiving objects 42 %",
        "Receiving objects 100 %",
      ],
      lines: [
        "Cloning into '/workspace/.atelier/clone-1'...",
        "remote: Enumerating objects: 3, done.",
        "remote: Counting objects: 100% (3/3), done.",
        "Receiving objects: 100% (1000/1000), 2.40 MiB | 2.00 MiB/s, done.",
        "fatal: the end",
      ],
    });
  });

  it("reads the same however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(RECORDED.length), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), RECORDED.length];
        const pieces = at.slice(1).map((end, index) => RECORDED.slice(at[index], end));
        expect(read(pieces)).toEqual(read([RECORDED]));
      }),
    );
  });
});

describe("explainGitFailure", () => {
  const url = "https://git.acme.test/a/b.git";
  it.each([
    ["fatal: write error: No space left on device", /^The disk is full/, false],
    ["fatal: Authentication failed for 'https://git.acme.test/a/b.git/'", /does not give access/, false],
    ["fatal: could not read Username for 'https://x': terminal prompts disabled", /does not give access/, false],
    ["fatal: repository 'https://x/' not found", /^There is no Git repository/, false],
    ["fatal: couldn't find remote ref refs/heads/gone", /^main is no longer in/, false],
    ["fatal: unable to access 'https://x/': Could not resolve host: x", /does not answer/, true],
    ["error: RPC failed; curl 28 Operation too slow.", /does not answer/, true],
    ["fatal: something new", /could not be cloned \(fatal: something new\)/, false],
    ["", /Git said nothing/, false],
  ])("explains %j", (output, sentence, isPassing) => {
    const failure = explainGitFailure(output, url, "main");
    expect(failure.sentence).toMatch(sentence);
    expect(failure.isPassing).toBe(isPassing);
  });
});
