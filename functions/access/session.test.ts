import fc from "fast-check";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clock, setClock } from "#functions/runtime/clock.ts";
import { deriveKey } from "#functions/runtime/keys.ts";
import { startTestParameters, type TestParameters } from "#functions/runtime/test-parameters.ts";
import { mayBePlain } from "./openid-provider.ts";
import { escapeHtml, page } from "./page.ts";
import { safeReturnPath } from "./return-path.ts";
import { endSession, readSession, startSession } from "./session.ts";

let parameters: TestParameters;
beforeAll(async () => {
  parameters = await startTestParameters();
  process.env.DASHBOARD_ORIGIN = "https://atelier.example.com";
});
afterAll(() => parameters.stop());

const user = { id: "u-abcdefghijklmnop", name: "Zoë 👩‍💻", email: "zoe@acme.test" };
const cookie = async () => (await startSession(user, "s1")).split(";")[0] ?? "";

describe("a session", () => {
  it("is read back from a header or from a list, among other cookies", async () => {
    const mine = await cookie();
    const session = { userId: user.id, name: user.name, email: user.email, sessionId: "s1" };
    expect(await readSession(`theme=dark; ${mine}; x=1`)).toEqual(session);
    expect(await readSession(["theme=dark", mine])).toEqual(session);
  });

  it("is found behind a bad cookie of the same name", async () => {
    expect(await readSession(`atelier_session=planted; ${await cookie()}`)).toMatchObject({ userId: user.id });
  });

  it("is Secure exactly with https", async () => {
    expect(await startSession(user, "s1")).toMatch(/; Secure$/);
    expect(endSession()).toMatch(/^atelier_session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/);
  });

  it("ends after twelve hours", async () => {
    const mine = await cookie();
    const start = clock.now();
    const at = async (ms: number) => {
      const restore = setClock({ now: () => start + ms });
      const session = await readSession(mine);
      restore();
      return session;
    };
    expect(await at(12 * 3_600_000 - 5_000)).toBeDefined();
    expect(await at(12 * 3_600_000 + 1_000)).toBeUndefined();
  });

  it("is nobody when any character is altered", async () => {
    const mine = await cookie();
    const token = mine.slice("atelier_session=".length);
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 2), fc.constantFrom("A", "Q", ".", "_"), async (index, character) => {
        fc.pre(token[index] !== character);
        const altered = token.slice(0, index) + character + token.slice(index + 1);
        expect(await readSession(`atelier_session=${altered}`)).toBeUndefined();
      }),
    );
  });

  it("is nobody without a key, with another algorithm, or with a key for something else", async () => {
    const claims = () => new SignJWT({ name: "x", sid: "s" }).setSubject("u").setExpirationTime("1h");
    const login = await deriveKey("atelier/login");
    const forged = await claims().setProtectedHeader({ alg: "HS256", kid: login.id }).sign(login.key);
    const session = await deriveKey("atelier/session");
    const otherAlgorithm = await claims()
      .setProtectedHeader({ alg: "HS512", kid: session.id })
      .sign(Buffer.alloc(64, session.key));
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from('{"sub":"u"}').toString("base64url")}.`;
    for (const token of [forged, otherAlgorithm, unsigned, "", "a.b.c"]) {
      expect(await readSession(`atelier_session=${token}`)).toBeUndefined();
    }
    expect(await readSession(undefined)).toBeUndefined();
    expect(await readSession("")).toBeUndefined();
  });
});

describe("the way back", () => {
  it.each(["/", "/#https://github.com/acme/shop", "/workspaces/x?a=b#c", "/a//b"])("keeps %s", (path) => {
    expect(safeReturnPath(path)).toBe(path);
  });

  it.each([
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "https://evil.test/",
    "evil",
    "/.//evil.test",
  ])("refuses %j", (path) => {
    expect(() => safeReturnPath(path)).toThrow(/page of this site/);
  });

  it("never leaves the site, whatever it is given", () => {
    const text = fc.string({ unit: fc.constantFrom(..."/\\.@:?#ae\t\n%25 ".split("")), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (given) => {
        let path: string;
        try {
          path = safeReturnPath(given);
        } catch {
          return;
        }
        expect(new URL(path, "https://atelier.example.com/login/x").origin).toBe("https://atelier.example.com");
      }),
      { numRuns: 2_000 },
    );
  });
});

it("lets only a loopback issuer do without TLS", () => {
  expect(mayBePlain(new URL("http://127.0.0.1:9000/"))).toBe(true);
  expect(mayBePlain(new URL("http://localhost:4000/oidc"))).toBe(true);
  expect(mayBePlain(new URL("https://id.acme.test/"))).toBe(false);
  for (const url of ["http://id.acme.test/", "http://localhost.acme.test/", "http://127.0.0.1.acme.test/"]) {
    expect(() => mayBePlain(new URL(url))).toThrow(/https/);
  }
});

it("shows text on pages as text", () => {
  const answer = page(400, "<script>", `"quoted" & <b>`, [{ href: `/"onclick="x`, text: "<i>" }]);
  expect(answer.body).not.toMatch(/<script>|<b>|<i>|"onclick/);
  expect(escapeHtml("a'b")).toBe("a&#39;b");
});
