/**
 * Reads the headers of WebSocket frames as their bytes come by (RFC 6455, 5.2): the server library knows messages only, and API Gateway
 * limits frames.
 * @param tooLarge is called once, at the first frame above the limit
 * @returns to be fed with every chunk that the client sends after the handshake
 */
export function watchFrames(maxBytes: number, tooLarge: () => void): (chunk: Buffer) => void {
  let header: number[] = [];
  let skip = 0n;
  let isOver = false;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length && !isOver) {
      if (skip > 0n) {
        const step = skip < BigInt(chunk.length - at) ? Number(skip) : chunk.length - at;
        skip -= BigInt(step);
        at += step;
        continue;
      }
      header.push(chunk[at] as number);
      at += 1;
      const length = payloadLength(header);
      if (length === undefined) continue;
      if (length > BigInt(maxBytes)) {
        isOver = true;
        tooLarge();
        return;
      }
      const isMasked = ((header[1] as number) & 0x80) !== 0;
      skip = length + (isMasked ? 4n : 0n);
      header = [];
    }
  };
}

/** @returns `undefined` until the length is complete */
function payloadLength(header: readonly number[]): bigint | undefined {
  if (header.length < 2) return undefined;
  const short = (header[1] as number) & 0x7f;
  if (short < 126) return BigInt(short);
  const bytes = short === 126 ? 2 : 8;
  if (header.length < 2 + bytes) return undefined;
  return header.slice(2, 2 + bytes).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
