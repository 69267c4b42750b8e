import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { RandomSource } from "../service.ts";
import { NetworkInterfaces } from "./network-interfaces.ts";

/** Few different bytes, so that addresses collide. */
function poorRandom(seed: number): RandomSource {
  let count = 0;
  return {
    bytes(length) {
      count += 1;
      const digest = createHash("sha256").update(`${seed}.${count}`).digest();
      return Buffer.from(Array.from({ length }, (_, index) => (digest[index % 32] ?? 0) % 4));
    },
  };
}
const request = { subnetId: "subnet-1", securityGroups: [], assignPublicAddress: true };

it("gives living tasks addresses and names that no other has, and never 127.0.0.1", () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.boolean(), { maxLength: 40 }), (seed, steps) => {
      const book = new NetworkInterfaces(poorRandom(seed), "eu-west-1");
      for (const isAttach of steps) {
        const [first] = book.all();
        if (isAttach) book.attach(request);
        else if (first !== undefined) book.detach(first.id);
        const living = book.all();
        expect(new Set(living.map(({ privateAddress }) => privateAddress)).size).toBe(living.length);
        for (const { privateAddress, association } of living) {
          expect(privateAddress).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/);
          const name = association?.publicDnsName ?? "";
          expect(name).toMatch(/^ec2-198-1[89]-\d+-\d+\.eu-west-1\.compute\.amazonaws\.com$/);
          expect(book.resolve(name, 80)).toEqual({ host: privateAddress, port: 80 });
        }
      }
    }),
  );
});

it("forgets the name of a task that has ended", () => {
  const book = new NetworkInterfaces({ bytes: (length) => Buffer.alloc(length, 7) }, "us-east-1");
  const { id, association } = book.attach(request);
  book.detach(id);
  expect(book.resolve(association?.publicDnsName ?? "", 80)).toBeUndefined();
});

it("gives no public name where none was asked for", () => {
  const book = new NetworkInterfaces(poorRandom(1), "us-east-1");
  expect(book.attach({ ...request, assignPublicAddress: false }).association).toBeUndefined();
});
