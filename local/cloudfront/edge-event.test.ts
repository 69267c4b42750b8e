import { afterEach, describe, expect, it } from "vitest";
import { readCookies, readHeaders, readQuery, writeCookies, writeQuery } from "./edge-event.ts";

afterEach(() => {
  // What a failing test left there would fail all others.
  delete (Object.prototype as { multiValue?: unknown }).multiValue;
});

describe("names that every object has already", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];

  it.each(names)("keeps the query parameter and the cookie %s, and changes no other request", (name) => {
    expect(writeQuery(readQuery(`${name}=1&a=2&${name}=3`))).toBe(`${name}=1&${name}=3&a=2`);
    expect(writeCookies(readCookies(`${name}=1; a=2`))).toBe(`${name}=1; a=2`);
    readHeaders({ [name]: "1" }, () => true);
    expect(({} as { multiValue?: unknown }).multiValue).toBeUndefined();
    expect(readQuery("a=1").a).toEqual({ value: "1" });
  });
});
