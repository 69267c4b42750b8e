import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clock, setClock } from "./clock.ts";
import { deriveFrom, parseRootKey } from "./derive-keys.ts";
import { deriveKey, deriveKeyById, open, routePublicKeys, seal, signRoute } from "./keys.ts";
import { startTestParameters, type TestParameters } from "./test-parameters.ts";

let parameters: TestParameters;
let now = clock.now();
const first = { id: "1", secret: Buffer.alloc(32, 1).toString("base64url") };
const second = { id: "2", secret: Buffer.alloc(32, 2).toString("base64url") };

beforeAll(async () => {
  parameters = await startTestParameters();
  setClock({ now: () => now });
});
beforeEach(() => {
  now += 3_600_000;
  parameters.values.set("/atelier/root-key", JSON.stringify({ current: first }));
});
afterAll(() => parameters.stop());

describe("derived keys", () => {
  it("differ by purpose and by generation", async () => {
    const session = await deriveKey("atelier/session");
    expect(session.id).toBe("1");
    expect(session.key).toHaveLength(32);
    expect(session.key).not.toEqual((await deriveKey("atelier/login")).key);
    expect(session.key).not.toEqual(deriveFrom(second, "atelier/session"));
  });

  it("stay the same for five minutes, then follow the parameter", async () => {
    await deriveKey("atelier/edge");
    parameters.values.set("/atelier/root-key", JSON.stringify({ current: second, previous: first }));
    now += 5 * 60_000 - 1;
    expect((await deriveKey("atelier/edge")).id).toBe("1");
    now += 1;
    expect((await deriveKey("atelier/edge")).id).toBe("2");
  });

  it("of a new generation are found as soon as something carries its id", async () => {
    await deriveKey("atelier/edge");
    parameters.values.set("/atelier/root-key", JSON.stringify({ current: second, previous: first }));
    expect(await deriveKeyById("atelier/edge", "2")).toBeUndefined();
    now += 10_000;
    expect(await deriveKeyById("atelier/edge", "2")).toEqual(deriveFrom(second, "atelier/edge"));
    expect(await deriveKeyById("atelier/edge", "1")).toEqual(deriveFrom(first, "atelier/edge"));
    expect(await deriveKeyById("atelier/edge", "3")).toBeUndefined();
  });

  it("are asked for again after SSM failed", async () => {
    parameters.values.delete("/atelier/root-key");
    await expect(deriveKey("atelier/edge")).rejects.toThrow();
    parameters.values.set("/atelier/root-key", JSON.stringify({ current: first }));
    expect((await deriveKey("atelier/edge")).id).toBe("1");
  });
});

it("says nothing of a root key that it cannot read", () => {
  for (const text of ['{"current": "hunter2"', '{"current":{"id":"1","secret":"hunter2"}}', "null"]) {
    expect(() => parseRootKey(text)).toThrow(/holds no root key/);
    expect(() => parseRootKey(text)).not.toThrow(/hunter2/);
  }
});

it("signs route tokens so that the public half confirms them", async () => {
  const data = Buffer.from("payload");
  const { id, signature } = await signRoute(data);
  const spki = Buffer.from((await routePublicKeys())[id] ?? "", "base64url");
  const key = createPublicKey({ key: spki, format: "der", type: "spki" });
  expect(verify(null, data, key, signature)).toBe(true);
  expect(verify(null, Buffer.from("Payload"), key, signature)).toBe(false);
});

describe("seal", () => {
  it("opens with what it is bound to, and with nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (plaintext, bound, other) => {
        const sealed = await seal("atelier/git-credential", plaintext, bound);
        expect(await open("atelier/git-credential", sealed, bound)).toBe(plaintext);
        if (other !== bound) expect(await open("atelier/git-credential", sealed, other)).toBeUndefined();
        expect(await open("atelier/session", sealed, bound)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it("does not open what was altered or never sealed", async () => {
    const sealed = await seal("atelier/git-credential", "secret", "w");
    const bytes = Buffer.from(sealed.slice(2), "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] as number) ^ 1;
      expect(await open("atelier/git-credential", `1.${altered.toString("base64url")}`, "w")).toBeUndefined();
    }
    for (const text of ["", ".", "1.", "secret", "9.AAAA"]) {
      expect(await open("atelier/git-credential", text, "w")).toBeUndefined();
    }
  });
});
