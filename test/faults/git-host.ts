/** A Git host for histories: every repository is there, with one branch (gitprotocol-v2). */
import type { IncomingAnswer, OutgoingRequest } from "./http-modules.ts";

export const GIT_HOST = "git.example.com";
const COMMIT = "5b2f".repeat(10);

export function answerGit({ path }: OutgoingRequest): IncomingAnswer {
  if (path.includes("/info/refs")) {
    const lines = ["# service=git-upload-pack", null, "version 2", "ls-refs=unborn", "object-format=sha1", null];
    return answer("application/x-git-upload-pack-advertisement", lines);
  }
  const refs = [`${COMMIT} HEAD symref-target:refs/heads/main`, `${COMMIT} refs/heads/main`, null];
  return answer("application/x-git-upload-pack-result", refs);
}

function answer(type: string, lines: readonly (string | null)[]): IncomingAnswer {
  const packet = (line: string): string => `${(line.length + 5).toString(16).padStart(4, "0")}${line}\n`;
  const body = lines.map((line) => (line === null ? "0000" : packet(line))).join("");
  return { status: 200, headers: { "content-type": type }, body };
}
