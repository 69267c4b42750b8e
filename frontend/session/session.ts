import { type ReadonlySignal, signal } from "@preact/signals";
import { AtelierError } from "#protocol/errors.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { backoffMs, type RpcEnvironment } from "../rpc/environment.ts";
import type { RpcClient } from "../rpc/rpc-client.ts";

export type User = ResultOf<"user.me">;
export interface Provider {
  readonly id: string;
  readonly name: string;
}

export type SessionState =
  | { readonly kind: "asking" }
  /** `error`: the last attempt failed; another one follows by itself. */
  | { readonly kind: "unreachable"; readonly error: AtelierError }
  | { readonly kind: "signed-out"; readonly providers: readonly Provider[] }
  /** This page was made for another version of the server. */
  | { readonly kind: "outdated" }
  | { readonly kind: "signed-in"; readonly user: User };

/** Who is signed in. */
export class Session {
  readonly #state = signal<SessionState>({ kind: "asking" });
  readonly #client: RpcClient;
  readonly #environment: RpcEnvironment;
  #attempt = 0;
  #asking = false;
  #cancelRetry: () => void = () => {};

  constructor(client: RpcClient, environment: RpcEnvironment) {
    this.#client = client;
    this.#environment = environment;
    client.onSignedOut = () => {
      if (this.#state.peek().kind === "signed-in") void this.load();
    };
  }

  get state(): ReadonlySignal<SessionState> {
    return this.#state;
  }

  /** Asks until there is an answer. */
  async load(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#cancelRetry();
    try {
      this.#state.value = await this.#ask();
      this.#attempt = 0;
    } catch (error) {
      const known =
        error instanceof AtelierError
          ? error
          : new AtelierError("INTERNAL_ERROR", "Something unexpected happened. Reload the page.", { cause: error });
      if (known.kind === "VERSION_MISMATCH") this.#state.value = { kind: "outdated" };
      else {
        this.#state.value = { kind: "unreachable", error: known };
        const pauseMs = backoffMs(this.#attempt++, () => this.#environment.random());
        this.#cancelRetry = this.#environment.after(pauseMs, () => void this.load());
      }
    } finally {
      this.#asking = false;
    }
  }

  async #ask(): Promise<SessionState> {
    try {
      return { kind: "signed-in", user: await this.#client.call("user.me", {}) };
    } catch (error) {
      if (!(error instanceof AtelierError) || error.kind !== "UNAUTHENTICATED") throw error;
    }
    const { providers, protocolVersion } = await this.#readVersion();
    return protocolVersion === PROTOCOL_VERSION ? { kind: "signed-out", providers } : { kind: "outdated" };
  }

  /** `GET /version` needs no session. */
  async #readVersion(): Promise<{ providers: Provider[]; protocolVersion: number }> {
    try {
      const response = await this.#environment.fetch(`${this.#environment.origin}/version`, { cache: "no-store" });
      return (await response.json()) as { providers: Provider[]; protocolVersion: number };
    } catch (error) {
      throw new AtelierError("UNAVAILABLE", "The server cannot be reached. Check your network, then try again.", {
        cause: error,
      });
    }
  }
}

/** Where signing in starts; it comes back to the page that was wanted, hash included. */
export function signInUrl(providerId: string, wanted: { pathname: string; search: string; hash: string }): string {
  return `/login/${encodeURIComponent(providerId)}?return=${encodeURIComponent(wanted.pathname + wanted.search + wanted.hash)}`;
}
