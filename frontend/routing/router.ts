import { type ReadonlySignal, signal } from "@preact/signals";
import { parseRoute, type Route, urlHash } from "./route.ts";
import { takeCredentials } from "./take-credentials.ts";

/** Keeps the route equal to the address bar, and the address bar free of credentials. */
export class Router {
  readonly #route = signal<Route>({ page: "first" });
  /** URLs as they were given, by what is left without credentials. In memory only. */
  readonly #given = new Map<string, string>();
  readonly #window: Window;

  constructor(browserWindow: Window) {
    this.#window = browserWindow;
    browserWindow.addEventListener("hashchange", () => this.#read());
    this.#read();
  }

  get route(): ReadonlySignal<Route> {
    return this.#route;
  }

  /** The URL with the credentials that it was given with, as far as this tab still knows them. */
  withCredentials(contextUrl: string): string {
    return this.#given.get(contextUrl) ?? contextUrl;
  }

  /** Goes to the page of a context URL. Its credentials, if any, never reach the address bar. */
  openUrl(contextUrl: string): void {
    this.goTo(urlHash(this.#keep(contextUrl.trim())));
  }

  /** @param hash with its `#`, or empty for the first page */
  goTo(hash: string, how: "push" | "replace" = "push"): void {
    const address = `${this.#window.location.pathname}${hash || ""}`;
    if (how === "replace") this.#window.history.replaceState(null, "", address);
    else this.#window.history.pushState(null, "", address);
    this.#read();
  }

  #read(): void {
    const route = parseRoute(this.#window.location.hash);
    if (route.page !== "url") {
      this.#route.value = route;
      return;
    }
    const clean = this.#keep(route.contextUrl);
    if (clean !== route.contextUrl) {
      this.#window.history.replaceState(null, "", `${this.#window.location.pathname}${urlHash(clean)}`);
    }
    this.#route.value = { page: "url", contextUrl: clean };
  }

  #keep(contextUrl: string): string {
    const { clean, had } = takeCredentials(contextUrl);
    if (had) this.#given.set(clean, contextUrl);
    return clean;
  }
}
