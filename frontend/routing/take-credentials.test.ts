import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseContextUrl } from "#protocol/context-url.ts";
import { takeCredentials } from "./take-credentials.ts";

describe("a URL with credentials", () => {
  it.each([
    ["https://user:token@github.com/acme/shop", "https://github.com/acme/shop"],
    ["https://token@github.com/acme/shop", "https://github.com/acme/shop"],
    ["https://user:p@ss@host.test:8443/r?x=a@b", "https://host.test:8443/r?x=a@b"],
    ["user:token@github.com/acme/shop", "github.com/acme/shop"],
    ["token@host.test:8443/acme/shop", "host.test:8443/acme/shop"],
    ["ssh://git:secret@host.test/acme/shop", "ssh://git@host.test/acme/shop"],
  ])("%s becomes %s", (given, clean) => {
    expect(takeCredentials(given)).toEqual({ clean, had: true });
  });

  it.each([
    "git@github.com:acme/shop.git",
    "ssh://git@github.com/acme/shop",
    "https://github.com/@acme/shop",
    "github.com/acme/shop",
  ])("%s has none", (given) => {
    expect(takeCredentials(given)).toEqual({ clean: given, had: false });
  });

  it("keeps neither user nor password, whatever they are, and names the same repository", () => {
    const word = fc
      .stringMatching(/^[A-Za-z0-9_.~%!$&'()*+,;=-]{6,20}$/)
      .map((text) => `S${text.replaceAll("%", "x")}`);
    fc.assert(
      fc.property(word, fc.option(word), fc.constantFrom("https://", "http://", ""), (user, password, scheme) => {
        const userInfo = password === null ? user : `${user}:${password}`;
        const given = `${scheme}${userInfo}@host.test/acme/shop`;
        const { clean, had } = takeCredentials(given);
        expect(had).toBe(true);
        expect(clean).not.toContain(user);
        if (password !== null) expect(clean).not.toContain(password);
        if (scheme !== "") expect(parseContextUrl(clean).normalizedUrl).toBe(parseContextUrl(given).normalizedUrl);
      }),
    );
  });
});
