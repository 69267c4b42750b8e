/** Git's framing: four hexadecimal digits of length, then the content (gitprotocol-common). */

export const FLUSH = "0000";
export const DELIMITER = "0001";

/** One line, with its line end. */
export function packet(line: string): string {
  return `${(Buffer.byteLength(line) + 5).toString(16).padStart(4, "0")}${line}\n`;
}

/** @returns lines without their line ends, `null` for each of the special packets. @throws Error when these are no packets */
export function readPackets(bytes: Buffer): (string | null)[] {
  const lines: (string | null)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString("latin1", at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    if (Number.isNaN(length) || length === 3 || at + length > bytes.length)
      throw new Error("This is not Git's framing.");
    if (length < 4) {
      lines.push(null);
      at += 4;
      continue;
    }
    lines.push(bytes.toString("utf8", at + 4, at + length).replace(/\n$/, ""));
    at += length;
  }
  return lines;
}
