import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpAnswer, HttpEvent } from "#functions/runtime/aws-events.ts";
import { clock, setClock } from "#functions/runtime/clock.ts";
import { startTestParameters, type TestParameters } from "#functions/runtime/test-parameters.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { readSession } from "./session.ts";
import { handler, userOf } from "./sign-in.ts";
import { getUser } from "./user-store.ts";

const ORIGIN = "http://localhost:4000";
let parameters: TestParameters;
let stopTable: () => Promise<void>;
let issuer: string;
let server: Server;

beforeAll(async () => {
  parameters = await startTestParameters();
  stopTable = await startTestTable();
  Object.assign(process.env, { DASHBOARD_ORIGIN: ORIGIN, OIDC_PROVIDER: "local", OIDC_CLIENT_ID: "atelier" });
  ({ server, issuer } = await startProvider(parameters.values.get("/atelier/oidc-client-secret") ?? ""));
  process.env.OIDC_ISSUER = issuer;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await stopTable();
  await parameters.stop();
});

/** A real OpenID provider that signs in whoever `login_hint` names. */
async function startProvider(secret: string): Promise<{ server: Server; issuer: string }> {
  let callback: ReturnType<Provider["callback"]> | undefined;
  const http = createServer((request, response) => {
    if (!request.url?.startsWith("/interaction/")) return void callback?.(request, response);
    provider.interactionDetails(request, response).then(async (details) => {
      const { params, prompt } = details as typeof details & { prompt: { name: string } };
      const accountId = String(params.login_hint);
      if (accountId === "denied") {
        const refused = { error: "access_denied", error_description: "<b>not you</b>" };
        return provider.interactionFinished(request, response, refused);
      }
      if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId } });
      const grant = new provider.Grant({ accountId, clientId: "atelier" });
      grant.addOIDCScope("openid profile email");
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [{ client_id: "atelier", client_secret: secret, redirect_uris: [`${ORIGIN}/login/local/callback`] }],
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (_context: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Name of ${id}`, email: `${id}@acme.test` }),
    }),
  });
  callback = provider.callback();
  return { server: http, issuer: url };
}

function call(
  method: string,
  target: string,
  more: { cookies?: string[]; headers?: Record<string, string> } = {},
): Promise<HttpAnswer> {
  const url = new URL(target, ORIGIN);
  const provider = /^\/login\/([^/]+)/.exec(url.pathname)?.[1];
  return handler({
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    queryStringParameters: Object.fromEntries(url.searchParams),
    pathParameters: provider ? { provider } : {},
    headers: more.headers ?? {},
    cookies: more.cookies ?? [],
    routeKey: `${method} ${url.pathname}`,
    requestContext: { requestId: "r" },
  } as unknown as HttpEvent);
}

const pairOf = (setCookie: string) => setCookie.split(";")[0] ?? "";

/** Goes the provider's way as a browser does. @returns the callback URL that it ends at */
async function follow(location: string): Promise<string> {
  const cookies = new Map<string, string>();
  let at = location;
  while (!at.startsWith(ORIGIN)) {
    const response = await fetch(at, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = pairOf(line).split(/=(.*)/s);
      cookies.set(name, value);
    }
    const next = response.headers.get("location");
    if (!next) throw new Error(`The provider stopped at ${at}: ${response.status} ${await response.text()}`);
    at = new URL(next, at).href;
  }
  return at;
}

async function begin(query: string): Promise<{ callback: string; login: string }> {
  const answer = await call("GET", `/login/local?${query}`);
  expect(answer.statusCode).toBe(303);
  const login = answer.cookies?.[0] ?? "";
  return { callback: await follow(answer.headers?.location ?? ""), login };
}

describe("signing in", () => {
  it("ends signed in at the page where it began, with one user per subject", async () => {
    const { callback, login } = await begin(
      `login_hint=ann&return=${encodeURIComponent("/#https://github.com/acme/shop")}`,
    );
    expect(login).toMatch(/^atelier_login=[^;]+; Path=\/login; Max-Age=600; HttpOnly; SameSite=Lax$/);
    const answer = await call("GET", callback, { cookies: [pairOf(login)] });
    expect(answer).toMatchObject({ statusCode: 303, headers: { location: "/#https://github.com/acme/shop" } });
    const [session = "", forget = ""] = answer.cookies ?? [];
    expect(session).toMatch(/^atelier_session=[^;]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/);
    expect(forget).toMatch(/^atelier_login=; Path=\/login; Max-Age=0/);
    const signedIn = await readSession([pairOf(session)]);
    const { id } = userOf({ issuer, subject: "ann", name: "" });
    expect(signedIn).toEqual({
      userId: id,
      name: "Name of ann",
      email: "ann@acme.test",
      sessionId: expect.any(String),
    });
    expect(await getUser(id)).toEqual({ id, name: "Name of ann", email: "ann@acme.test" });
  });

  it("sends a challenge, state and nonce, and never the verifier", async () => {
    const answer = await call("GET", "/login/local");
    const location = new URL(answer.headers?.location ?? "");
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "atelier",
      redirect_uri: `${ORIGIN}/login/local/callback`,
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{22}$/),
      nonce: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(location.searchParams.has("login_hint")).toBe(false);
  });

  it("is refused in a browser that did not begin it", async () => {
    const mine = await begin("login_hint=ann");
    const theirs = await begin("login_hint=bob");
    expect((await call("GET", theirs.callback)).statusCode).toBe(400);
    const mixed = await call("GET", theirs.callback, { cookies: [pairOf(mine.login)] });
    expect(mixed.statusCode).toBe(400);
    expect(mixed.cookies).toBeUndefined();
    expect(mixed.body).toContain('href="/login/local"');
  });

  it("is refused when it took longer than ten minutes", async () => {
    const { callback, login } = await begin("login_hint=ann");
    const late = clock.now() + 601_000;
    const restore = setClock({ now: () => late });
    expect((await call("GET", callback, { cookies: [pairOf(login)] })).statusCode).toBe(400);
    restore();
  });

  it("is refused with a code that was used before", async () => {
    const { callback, login } = await begin("login_hint=ann");
    expect((await call("GET", callback, { cookies: [pairOf(login)] })).statusCode).toBe(303);
    const again = await call("GET", callback, { cookies: [pairOf(login)] });
    expect(again.statusCode).toBe(401);
    expect(again.cookies).toBeUndefined();
  });

  it("is refused with the code of another sign-in", async () => {
    const { callback, login } = await begin("login_hint=ann");
    const other = await begin("login_hint=ann");
    const swapped = new URL(callback);
    // The right state with the code of another sign-in of the same person.
    swapped.searchParams.set("code", new URL(other.callback).searchParams.get("code") ?? "");
    expect((await call("GET", swapped.href, { cookies: [pairOf(login)] })).statusCode).toBe(401);
  });

  it("says why the provider refused, as text", async () => {
    const { callback, login } = await begin("login_hint=denied");
    const answer = await call("GET", callback, { cookies: [pairOf(login)] });
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toContain("&#60;b&#62;not you");
    expect(answer.headers?.["content-security-policy"]).toContain("default-src 'none'");
  });

  it("is 404 for a provider that is not there", async () => {
    expect((await call("GET", "/login/other")).statusCode).toBe(404);
    expect((await call("GET", "/login/other/callback?state=x")).statusCode).toBe(404);
  });

  it("does not return to another site", async () => {
    const answer = await call("GET", `/login/local?return=${encodeURIComponent("//evil.test")}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.cookies).toBeUndefined();
  });
});

describe("signing out", () => {
  it("clears the cookie when the dashboard asks", async () => {
    const answer = await call("POST", "/logout", { headers: { origin: ORIGIN } });
    expect(answer).toMatchObject({ statusCode: 303, headers: { location: "/" } });
    expect(answer.cookies?.[0]).toMatch(/^atelier_session=; Path=\/; Max-Age=0/);
  });

  it("is refused when another page asks", async () => {
    for (const headers of [{ origin: "http://evil.test" }, { origin: "null" }, {}]) {
      const answer = await call("POST", "/logout", { headers: headers as Record<string, string> });
      expect(answer.statusCode).toBe(403);
      expect(answer.cookies).toBeUndefined();
    }
  });
});
