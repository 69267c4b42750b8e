// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { Router } from "./router.ts";

beforeEach(() => history.replaceState(null, "", "/"));

describe("the router", () => {
  it("takes credentials out of the address bar at once, and knows them still", () => {
    history.replaceState(null, "", "/#https://user:token@github.com/acme/shop");
    const router = new Router(window);
    expect(location.hash).toBe("#https://github.com/acme/shop");
    expect(router.route.value).toEqual({ page: "url", contextUrl: "https://github.com/acme/shop" });
    expect(router.withCredentials("https://github.com/acme/shop")).toBe("https://user:token@github.com/acme/shop");
  });

  it("never writes credentials that were pasted into the address bar", () => {
    const router = new Router(window);
    router.openUrl(" https://token@github.com/acme/shop ");
    expect(location.href).not.toContain("token");
    expect(router.withCredentials("https://github.com/acme/shop")).toBe("https://token@github.com/acme/shop");
  });

  it("follows the address bar", () => {
    const router = new Router(window);
    history.replaceState(null, "", "/#/start/amber-otter-x7k2m3q4");
    window.dispatchEvent(new Event("hashchange"));
    expect(router.route.value).toEqual({ page: "workspace", id: "amber-otter-x7k2m3q4" });
    router.goTo("");
    expect(router.route.value).toEqual({ page: "first" });
  });
});
