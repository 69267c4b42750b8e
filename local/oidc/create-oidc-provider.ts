/**
 * An OpenID provider for one machine: the control plane signs people in by the same redirects as a company's provider would have.
 * It asks nobody for proof. What it protects is nothing: whoever can reach loopback is the person, or a program of the person's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import Provider, { interactionPolicy } from "oidc-provider";
import type { ServiceContext } from "#local/service.ts";
import { createMemoryAdapter } from "./memory-adapter.ts";
import { personOf, readName, subjectOf } from "./person.ts";
import { openProviderKeys } from "./provider-keys.ts";
import { signInPage } from "./sign-in-page.ts";

export interface OidcProviderOptions {
  /** Taken when it is free, else any; 0 takes any. */
  readonly port: number;
  readonly redirectUris: readonly string[];
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in when nothing names anybody; the person who runs the program unless given. */
  readonly defaultName?: string;
}

export interface OidcProvider {
  /** `http://localhost:<port>`; known after `start`. */
  readonly issuer: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SESSION_COOKIE = "idp_session";

export function createOidcProvider(context: ServiceContext, options: OidcProviderOptions): OidcProvider {
  const defaultName = options.defaultName ?? readName(userInfo().username) ?? "me";
  const servers: Server[] = [];
  let issuer: string | undefined;
  let provider: Provider | undefined;
  let callback: ReturnType<Provider["callback"]> | undefined;

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const current = provider as Provider;
    const { params } = await current.interactionDetails(request, response);
    const finish = (name: string) => {
      const result = { login: { accountId: subjectOf(name) }, select_account: {} };
      return current.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    };
    if (request.method === "POST") {
      if (request.headers.origin !== undefined && request.headers.origin !== issuer)
        return plain(response, 403, "Another site cannot sign you in.");
      const entered = new URLSearchParams(await text(request)).get("name") ?? "";
      const name = readName(entered);
      return name === undefined
        ? page(response, signInPage(entered, "Enter a name of 1 to 64 characters."))
        : finish(name);
    }
    const hint = readName(params.login_hint);
    const asks = /\b(login|select_account)\b/.test(String(params.prompt ?? ""));
    if (hint === undefined && asks) return page(response, signInPage(defaultName));
    return finish(hint ?? defaultName);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (`http://${request.headers.host}` !== issuer)
      return plain(response, 421, `Nothing here answers to this name. Use ${issuer}/.`);
    // Nobody stays signed in here: each request names its person, or means the one who runs the program.
    const cookies = (request.headers.cookie ?? "").split(/;\s*/);
    request.headers.cookie = cookies.filter((cookie) => !cookie.startsWith(SESSION_COOKIE)).join("; ");
    if (request.url?.startsWith("/interaction/")) await interact(request, response);
    else await callback?.(request, response);
  }

  function listen(address: string, port: number): Promise<Server> {
    const server = createServer((request, response) => {
      answer(request, response).catch((error: unknown) => {
        context.log.warn("a sign-in failed", { error: String(error) });
        if (!response.headersSent) plain(response, 400, "This sign-in is over or was never begun. Start it again.");
      });
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => resolve(server));
    });
  }

  return {
    get issuer() {
      if (issuer === undefined) throw new Error("The provider's issuer is known once it has started.");
      return issuer;
    },
    async start() {
      const keys = await openProviderKeys(context);
      const first = await listen("127.0.0.1", options.port).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "EADDRINUSE") return listen("127.0.0.1", 0);
        throw error;
      });
      servers.push(first);
      const bound = first.address();
      const port = typeof bound === "object" && bound ? bound.port : options.port;
      // Browsers that try ::1 first find the provider there too; where that port is taken or there is no IPv6, they go on to 127.0.0.1.
      await listen("::1", port).then(
        (second) => servers.push(second),
        () => undefined,
      );
      issuer = `http://localhost:${port}`;
      provider = new Provider(issuer, configure(context, options, keys));
      provider.on("server_error", (_request: never, error: never) => {
        context.log.error("the sign-in provider failed", { error: String(error) });
      });
      callback = provider.callback();
    },
    async stop() {
      const closing = servers.splice(0).map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      await Promise.all(closing);
    },
  };
}

function configure(
  context: ServiceContext,
  options: OidcProviderOptions,
  keys: { jwks: unknown; cookieKey: string },
): Record<string, unknown> {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
  return {
    adapter: createMemoryAdapter(context.clock),
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        redirect_uris: [...options.redirectUris],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    jwks: keys.jwks,
    cookies: {
      // Cookies of localhost know no ports: these names must not meet the dashboard's.
      names: { session: SESSION_COOKIE, interaction: "idp_interaction", resume: "idp_resume" },
      keys: [keys.cookieKey],
    },
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
    // Name and e-mail stand in the ID token too: a client need not ask twice.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    pkce: { required: () => true },
    responseTypes: ["code"],
    scopes: ["openid", "profile", "email"],
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    interactions: { policy, url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ ...personOf(sub), email_verified: false }),
    }),
    /** Everything that the client may ask is granted: there is one client, and it is the person's own. */
    async loadExistingGrant(ctx: {
      oidc: {
        provider: Provider;
        client: { clientId: string };
        session: { accountId: string };
      };
    }) {
      const { client, session, provider } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    renderError: (ctx: { type: string; body: string }, out: { error: string; error_description?: string }) => {
      ctx.type = "text/plain";
      ctx.body = `${out.error_description ?? out.error}. Go back to the dashboard and sign in again.\n`;
    },
  };
}

function page(response: ServerResponse, html: string): void {
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  });
  response.end(html);
}

function plain(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${sentence}\n`);
}
