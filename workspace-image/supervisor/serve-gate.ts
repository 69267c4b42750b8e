/** The gate: the only port of a workspace. It lets a browser in that proves its right, and hands it to the IDE or to a port. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AtelierError } from "#protocol/errors.ts";
import { parseHostLabel } from "#protocol/ids.ts";
import { ROUTE_HEADER, TICKET_PARAMETER } from "#protocol/route-token.ts";
import { refuseForeign } from "./check-origin.ts";
import type { TokenCheck } from "./check-token.ts";
import type { Clock } from "./clock.ts";
import { answerPage, type Page } from "./honest-pages.ts";
import type { Activity } from "./note-activity.ts";
import { type Opening, openFolder } from "./open-folder.ts";
import { portTarget, proxyRequest, type Target } from "./proxy-request.ts";
import { proxyUpgrade, refuseUpgrade } from "./proxy-upgrade.ts";
import { routeCookie } from "./route-cookies.ts";

/** What `instance.hello` told; until then nobody can be let in. */
export interface Access {
  readonly tokens: TokenCheck;
  readonly hostSuffix: string;
  readonly dashboardOrigin: string;
}

export interface GateOptions {
  readonly workspaceId: string;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly idePath: string;
  readonly ports: { has(port: number): Promise<boolean> };
  readonly redeem: (
    ticket: string,
    host: string,
  ) => Promise<{ token: string; cookieName: string; secure: boolean; maxAgeSeconds: number }>;
}

type Admission =
  | { readonly page: Page }
  | { readonly redirect: string; readonly cookie: string }
  | { readonly target: Target; readonly isIde: boolean };

/** Longer than CloudFront keeps an idle connection to an origin, so that it is never the gate that closes one in use. */
const KEEP_ALIVE_MS = 75_000;

export class Gate {
  readonly #options: GateOptions;
  readonly #server: http.Server;
  readonly #ide = new http.Agent({ keepAlive: true });
  readonly #upgraded = new Set<Duplex>();
  access: Access | undefined;
  /** What the IDE opens; absent until the repository and the IDE are ready. */
  opening: Omit<Opening, "authority"> | undefined;
  isStopping = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
    // What nobody thought of ends one connection, not the supervisor.
    this.#server.on("request", (request, response) => {
      this.#onRequest(request, response).catch(() => response.destroy());
    });
    this.#server.on("upgrade", (request, socket, head) => {
      this.#onUpgrade(request, socket, head).catch(() => socket.destroy());
    });
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** @param host `undefined` for every address */
  listen(port: number, host: string | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host, exclusive: true }, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  /** Closes everything that is open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeAllConnections();
    this.#ide.destroy();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const admission = await this.#admit(request, false);
    if (response.destroyed) return;
    if ("page" in admission) return answerPage(response, admission.page);
    if ("redirect" in admission) {
      response.writeHead(303, {
        location: admission.redirect,
        "set-cookie": admission.cookie,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
      });
      response.end();
      return;
    }
    this.#options.activity.touch();
    proxyRequest(request, response, admission.target);
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Without a listener, a browser that leaves while it is looked at would end the process.
    socket.on("error", () => socket.destroy());
    const admission = await this.#admit(request, true);
    if (socket.destroyed) return;
    if (!("target" in admission)) {
      const page = "page" in admission ? admission.page : NEEDS_SIGN_IN;
      return refuseUpgrade(request, socket, page);
    }
    this.#upgraded.add(socket);
    const closeUse = admission.isIde ? this.#options.activity.open() : () => undefined;
    proxyUpgrade(request, socket, head, admission.target, () => {
      this.#upgraded.delete(socket);
      closeUse();
    });
  }

  async #admit(request: IncomingMessage, isUpgrade: boolean): Promise<Admission> {
    if (this.isStopping) return { page: STOPPING };
    if (!this.access) return { page: STARTING };
    const { hostSuffix, dashboardOrigin, tokens } = this.access;
    const host = (request.headers.host ?? "").toLowerCase();
    const place = host.endsWith(hostSuffix) ? parseHostLabel(host.slice(0, -hostSuffix.length)) : undefined;
    // The whole URL or `*` in place of a path is for proxies; no browser says that to a site.
    const isPath = request.url?.startsWith("/") ?? false;
    if (place?.workspaceId !== this.#options.workspaceId || !isPath) return { page: NOT_HERE };

    const ownOrigin = `${new URL(dashboardOrigin).protocol}//${host}`;
    const { ticket, path } = takeTicket(request.url ?? "/");
    if (ticket !== undefined && !isUpgrade && request.method === "GET") {
      return this.#redeem(ticket, host, `${ownOrigin}${path}`, dashboardOrigin);
    }
    const token = request.headers[ROUTE_HEADER];
    if (typeof token !== "string" || !tokens.isGood(token, host, this.#options.clock.now())) {
      return { page: signIn(dashboardOrigin, `${ownOrigin}${path}`) };
    }
    const { method = "GET", headers } = request;
    const foreign = refuseForeign({ method, headers, isUpgrade }, ownOrigin, place.port !== undefined);
    if (foreign) return { page: { status: 403, title: "Not from there", text: foreign } };
    return this.#target(request, host, place.port);
  }

  async #target(request: IncomingMessage, host: string, port: number | undefined): Promise<Admission> {
    if (port !== undefined) {
      const target = portTarget(port);
      return (await this.#options.ports.has(port)) ? { target, isIde: false } : { page: target.absent };
    }
    const { opening } = this;
    if (!opening) return { page: STARTING };
    const isPage = request.method === "GET" && request.url?.split("?", 1)[0] === "/";
    const target: Target = {
      options: { socketPath: this.#options.idePath, agent: this.#ide },
      absent: IDE_AWAY,
      rewrite: isPage ? (page) => openFolder(page, { ...opening, authority: host }) : undefined,
    };
    return { target, isIde: true };
  }

  async #redeem(ticket: string, host: string, cleanUrl: string, dashboardOrigin: string): Promise<Admission> {
    try {
      return { redirect: cleanUrl, cookie: routeCookie(await this.#options.redeem(ticket, host)) };
    } catch (error) {
      // Used, too old, or of another instance: a fresh one is a click away.
      if (error instanceof AtelierError && !error.retry) return { page: signIn(dashboardOrigin, cleanUrl) };
      return { page: { ...IDE_AWAY, title: "Atelier does not answer", text: "This page asks again by itself." } };
    }
  }
}

/** Takes our one parameter out of a request's target; the rest stays as it was written. */
export function takeTicket(target: string): { ticket: string | undefined; path: string } {
  const at = target.indexOf("?");
  if (at < 0) return { ticket: undefined, path: target };
  const parts = target.slice(at + 1).split("&");
  const isOurs = (part: string): boolean => part.split("=", 1)[0] === TICKET_PARAMETER;
  const ours = parts.find(isOurs);
  const rest = parts.filter((part) => !isOurs(part)).join("&");
  return {
    ticket: ours?.slice(TICKET_PARAMETER.length + 1),
    path: target.slice(0, at) + (rest === "" ? "" : `?${rest}`),
  };
}

const STARTING: Page = {
  status: 503,
  title: "This workspace is still starting",
  text: "Its repository and its editor are not ready yet. This page looks again by itself.",
  retryAfter: 1,
};
const STOPPING: Page = {
  status: 503,
  title: "This workspace is stopping",
  text: "Your files are kept. Start it again from the dashboard once it has stopped.",
};
const NOT_HERE: Page = { status: 401, title: "Not this workspace", text: "This address belongs to another workspace." };
const NEEDS_SIGN_IN: Page = {
  status: 401,
  title: "You are not signed in to this workspace",
  text: "Open it from the dashboard.",
};
const IDE_AWAY: Page = {
  status: 503,
  title: "The editor does not answer",
  text: "It is being started again. This page looks again by itself.",
  retryAfter: 2,
};

function signIn(dashboardOrigin: string, cleanUrl: string): Page {
  const href = `${dashboardOrigin}/enter?to=${encodeURIComponent(cleanUrl)}`;
  return {
    ...NEEDS_SIGN_IN,
    text: "The key that your browser brought is missing or no longer good.",
    link: { label: "Sign in to it", href },
  };
}
