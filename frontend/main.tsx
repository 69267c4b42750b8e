import { effect } from "@preact/signals";
import { render } from "preact";
import { AppContext, makeApp } from "./app.ts";
import { Pages } from "./pages/pages.tsx";
import { Router } from "./routing/router.ts";
import { browserEnvironment } from "./rpc/environment.ts";
import "./styles.css";
import { announceChanges } from "./workspaces/announce-changes.ts";

// First of all: credentials leave the address bar.
const router = new Router(window);
const app = makeApp(browserEnvironment(), router, (url, how) => {
  if (how === "replace") location.replace(url);
  else location.assign(url);
});

addEventListener("online", () => app.client.connection.nudge());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") app.client.connection.nudge();
});
// A page that comes back from the browser's memory has a dead socket.
addEventListener("pageshow", (event) => {
  if (event.persisted) app.client.connection.nudge();
});

announceChanges(app);
effect(() => {
  if (app.session.state.value.kind === "signed-in") {
    app.client.connection.start();
    // The socket's first sign of life fetches it again, should this fail.
    app.refreshList().catch(() => {});
  } else {
    app.client.connection.stop();
  }
});
void app.session.load();

render(
  <AppContext.Provider value={app}>
    <Pages />
  </AppContext.Provider>,
  document.getElementById("app") as HTMLElement,
);
