import { describe, expect, it } from "vitest";
import { parseRoute } from "./route.ts";

describe("the hash of the address", () => {
  it.each(["", "#", "#/"])("leads to the first page when it is %j", (hash) => {
    expect(parseRoute(hash)).toEqual({ page: "first" });
  });

  it.each([
    ["#https://github.com/acme/shop", "https://github.com/acme/shop"],
    ["#github.com/acme/shop", "github.com/acme/shop"],
    ["#git@github.com:acme/shop.git", "git@github.com:acme/shop.git"],
    ["#https%3A%2F%2Fgithub.com%2Facme%2Fshop", "https://github.com/acme/shop"],
    ["#https://github.com/acme/shop/tree/fix%231", "https://github.com/acme/shop/tree/fix%231"],
  ])("opens the URL of %s", (hash, contextUrl) => {
    expect(parseRoute(hash)).toEqual({ page: "url", contextUrl });
  });

  it("leads to the start page of a workspace", () => {
    expect(parseRoute("#/start/amber-otter-x7k2m3q4")).toEqual({ page: "workspace", id: "amber-otter-x7k2m3q4" });
  });

  it("leads to the trace of a run", () => {
    const instanceId = "amber-otter-x7k2m3q4-r12";
    expect(parseRoute(`#/trace/${instanceId}`)).toEqual({ page: "trace", instanceId });
  });

  it.each(["#/start/nonsense", "#/start/", "#/elsewhere", "#/trace/amber-otter-x7k2m3q4", "#/trace/"])(
    "has no page for %s",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ page: "missing" });
    },
  );
});
