import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as openid from "openid-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realClock, realRandom } from "#local/clock.ts";
import { createOidcProvider, type OidcProvider } from "./create-oidc-provider.ts";
import { personOf, readName, subjectOf } from "./person.ts";

const REDIRECT = "http://localhost:4000/login/local/callback";
let directory: string;
let provider: OidcProvider;

async function start(port = 0): Promise<OidcProvider> {
  const made = createOidcProvider(
    {
      clock: realClock,
      random: realRandom,
      log: { info() {}, warn() {}, error() {} },
      stateDirectory: directory,
      region: "us-east-1",
      accountId: "111122223333",
    },
    { port, redirectUris: [REDIRECT], clientId: "atelier", clientSecret: "secret+with/signs=" },
  );
  await made.start();
  return made;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "oidc-"));
  provider = await start();
});
afterEach(async () => {
  await provider.stop();
  await rm(directory, { recursive: true });
});

/** A browser as far as redirects and cookies go. */
class Browser {
  readonly cookies = new Map<string, string>();
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      if (/expires=Thu, 01 Jan 1970/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }
  /** Follows redirects until a page, or the dashboard. */
  async open(url: string, init?: RequestInit): Promise<{ url: string; response?: Response }> {
    let response = await this.fetch(url, init);
    for (let hops = 0; hops < 8; hops += 1) {
      const location = response.headers.get("location");
      if (!location) return { url, response };
      url = new URL(location, url).href;
      if (url.startsWith("http://localhost:4000/")) return { url };
      response = await this.fetch(url);
    }
    throw new Error("too many redirects");
  }
}

async function begin(more: Record<string, string> = {}, pkce = true) {
  const config = await openid.discovery(
    new URL(provider.issuer),
    "atelier",
    undefined,
    openid.ClientSecretBasic("secret+with/signs="),
    {
      execute: [openid.allowInsecureRequests],
    },
  );
  const verifier = openid.randomPKCECodeVerifier();
  const challenge = {
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const parameters = {
    redirect_uri: REDIRECT,
    scope: "openid profile email",
    state: "s",
    nonce: "n",
    ...(pkce ? challenge : {}),
    ...more,
  };
  const url = openid.buildAuthorizationUrl(config, parameters).href;
  const finish = async (callback: string) => {
    const tokens = await openid.authorizationCodeGrant(config, new URL(callback), {
      pkceCodeVerifier: verifier,
      expectedState: "s",
      expectedNonce: "n",
    });
    return { tokens, claims: tokens.claims(), config };
  };
  return { url, finish };
}

async function signIn(browser: Browser, more: Record<string, string> = {}) {
  const { url, finish } = await begin(more);
  return (await finish((await browser.open(url)).url)).claims;
}

describe("the OpenID provider", () => {
  it("signs in the name of the hint by redirects alone, and each other name after it in the same browser", async () => {
    const browser = new Browser();
    for (const name of ["ana", "Bo Müller", "ana", "cy@acme.test"]) {
      const claims = await signIn(browser, { login_hint: name });
      expect(claims).toMatchObject({
        name,
        sub: encodeURIComponent(name),
        email: expect.stringMatching(/^\S+@\S+\.test$/),
      });
    }
    expect([...browser.cookies.keys()].filter((name) => !name.startsWith("idp_"))).toEqual([]);
  });

  it("signs in the person who runs the program when there is no hint, whoever was signed in before", async () => {
    const browser = new Browser();
    await signIn(browser, { login_hint: "ana" });
    expect(await signIn(browser)).toMatchObject({ name: userInfo().username });
  });

  it.each(["login", "select_account"])("shows a page for a name when asked with prompt=%s", async (prompt) => {
    const browser = new Browser();
    await signIn(browser, { login_hint: "ana" });
    const { url, finish } = await begin({ prompt });
    const shown = await browser.open(url);
    expect(await shown.response?.text()).toContain('<label for="name">Name</label>');
    const form = (name: string): RequestInit => ({
      method: "POST",
      body: new URLSearchParams({ name }),
      headers: { origin: provider.issuer },
    });
    const again = await browser.open(shown.url, form("  "));
    expect(await again.response?.text()).toContain('role="alert"');
    const done = await browser.open(shown.url, form("<zoe>"));
    expect((await finish(done.url)).claims).toMatchObject({ name: "<zoe>" });
  });

  it("does not let another site enter a name", async () => {
    const browser = new Browser();
    const { url } = await begin({ prompt: "login" });
    const shown = await browser.open(url);
    const init = { method: "POST", body: "name=eve", headers: { origin: "http://evil.localhost:4000" } };
    expect((await browser.open(shown.url, init)).response?.status).toBe(403);
  });

  it("needs PKCE, and lets nobody redirect elsewhere", async () => {
    const plain = await begin({}, false);
    expect((await new Browser().open(plain.url)).url).toContain("error=invalid_request");
    const other = await begin({ redirect_uri: "http://localhost:4000/evil" });
    const answer = await new Browser().open(other.url);
    expect(answer.response?.status).toBe(400);
  });

  it("answers userinfo, and takes a code once", async () => {
    const { url, finish } = await begin({ login_hint: "ana" });
    const callback = (await new Browser().open(url)).url;
    const { tokens, config } = await finish(callback);
    expect(await openid.fetchUserInfo(config, tokens.access_token, "ana")).toMatchObject({
      name: "ana",
      email: "ana@local.test",
    });
    await expect(finish(callback)).rejects.toThrow();
  });

  it("keeps its signing key over a restart", async () => {
    const keys = async () => (await (await fetch(`${provider.issuer}/jwks`)).json()) as unknown;
    const before = await keys();
    await provider.stop();
    provider = await start();
    expect(await keys()).toEqual(before);
  });

  it("takes another port when the wanted one is taken, and refuses other Hosts", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    const second = await start(port);
    expect(second.issuer).not.toBe(`http://localhost:${port}`);
    expect((await fetch(`${second.issuer}/jwks`)).status).toBe(200);
    expect((await fetch(`${second.issuer.replace("localhost", "127.0.0.1")}/jwks`)).status).toBe(421);
    await second.stop();
    await new Promise((resolve) => holder.close(resolve));
  });
});

it("reads every name back from its subject, which is ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const name = readName(text);
      if (name === undefined) return;
      expect(subjectOf(name)).toMatch(/^[\x21-\x7e]+$/);
      expect(personOf(subjectOf(name)).name).toBe(name);
      expect(personOf(subjectOf(name)).email).toMatch(/^[^@\s]+@[^@\s]+\.[^@\s]+$/);
    }),
  );
});
