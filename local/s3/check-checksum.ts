import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ApiError } from "#local/endpoint/api-error.ts";

const ALGORITHMS: Record<string, (bytes: Buffer) => string> = {
  "x-amz-checksum-crc32": (bytes) => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(bytes));
    return sum.toString("base64");
  },
  "x-amz-checksum-sha1": (bytes) => createHash("sha1").update(bytes).digest("base64"),
  "x-amz-checksum-sha256": (bytes) => createHash("sha256").update(bytes).digest("base64"),
  "content-md5": (bytes) => createHash("md5").update(bytes).digest("base64"),
};

/**
 * Compares every checksum that the client sent, as a header or a trailer; CRC32C and CRC64NVME are taken as they are.
 * @throws ApiError `BadDigest`
 */
export function checkChecksums(bytes: Buffer, sent: Readonly<Record<string, string>>): void {
  for (const [name, compute] of Object.entries(ALGORITHMS)) {
    const expected = sent[name];
    if (expected !== undefined && compute(bytes) !== expected) {
      throw new ApiError("BadDigest", `The ${name} you specified did not match what we received.`);
    }
  }
}
