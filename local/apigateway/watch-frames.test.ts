import fc from "fast-check";
import { expect, it } from "vitest";
import { watchFrames } from "./watch-frames.ts";

function frame(length: number): Buffer {
  const header =
    length < 126
      ? [0x81, 0x80 | length]
      : length < 65_536
        ? [0x81, 0xfe, length >> 8, length & 255]
        : [0x81, 0xff, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(4 + length, 0xff)]);
}

it("finds the first frame above the limit, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constant(70_000)), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
      (lengths, cuts) => {
        let found = 0;
        const feed = watchFrames(300, () => {
          found += 1;
        });
        const bytes = Buffer.concat(lengths.map(frame));
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = cuts[i % cuts.length] as number;
          feed(bytes.subarray(at, at + size));
          at += size;
        }
        expect(found).toBe(lengths.some((length) => length > 300) ? 1 : 0);
      },
    ),
  );
});
