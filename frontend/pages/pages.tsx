import { useEffect, useState } from "preact/hooks";
import { useApp } from "../app.ts";
import { Button, ButtonLink, Spinner } from "../parts/button.tsx";
import { fetched } from "../parts/fetched.tsx";
import { Frame } from "../parts/frame.tsx";
import { isTyping } from "../parts/is-typing.ts";
import { KeysDialog } from "../parts/keys-dialog.tsx";
import { Problem, problemTitle } from "../parts/problem.tsx";
import type { Route } from "../routing/route.ts";
import { FirstPage } from "./first-page.tsx";
import { SignInPage } from "./sign-in-page.tsx";
import { UrlPage } from "./url-page.tsx";
import { WorkspacePage } from "./workspace-page.tsx";

/** For the few who want to know: its code is fetched with its first visit. */
const TracePage = fetched(() => import("./trace-page.tsx").then((module) => module.TracePage));

/** The page that the session and the route ask for. */
export function Pages() {
  const { session, router } = useApp();
  const [keysShown, showKeys] = useState(false);
  const state = session.state.value;
  const route = router.route.value;

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "?" && !isTyping(event)) showKeys(true);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);

  switch (state.kind) {
    case "asking":
      return (
        <Frame>
          <p class="flex items-center gap-2 text-dim" role="status">
            <Spinner /> Asking who is signed in
          </p>
        </Frame>
      );
    case "unreachable":
      return (
        <Frame>
          <Problem
            title={problemTitle(state.error)}
            text={`${state.error.message} This page also tries again by itself.`}
          >
            <Button kind="main" onClick={() => void session.load()}>
              Try again
            </Button>
          </Problem>
        </Frame>
      );
    case "outdated":
      return (
        <Frame>
          <Problem
            title="This page is out of date"
            text="Atelier was updated while this page was open. Reload it to go on."
          >
            <Button kind="main" onClick={() => location.reload()}>
              Reload
            </Button>
          </Problem>
        </Frame>
      );
    case "signed-out":
      return (
        <Frame>
          <SignInPage providers={state.providers} />
        </Frame>
      );
    case "signed-in":
      return (
        <Frame onShowKeys={() => showKeys(true)}>
          <SignedInPage route={route} />
          {keysShown && <KeysDialog onClose={() => showKeys(false)} />}
        </Frame>
      );
  }
}

function SignedInPage({ route }: { route: Route }) {
  // Keys: another URL or workspace is another page, with nothing left over of the one before.
  if (route.page === "first") return <FirstPage />;
  if (route.page === "url") return <UrlPage key={route.contextUrl} contextUrl={route.contextUrl} />;
  if (route.page === "workspace") return <WorkspacePage key={route.id} id={route.id} />;
  if (route.page === "trace") return <TracePage key={route.instanceId} instanceId={route.instanceId} />;
  return (
    <Problem
      title="There is no such page"
      text="The address may be incomplete. To open a repository, put its whole URL after the #."
    >
      <ButtonLink kind="main" href="#/">
        Back to your workspaces
      </ButtonLink>
    </Problem>
  );
}
