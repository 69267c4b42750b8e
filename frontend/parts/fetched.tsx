import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button, Spinner } from "./button.tsx";
import { Problem } from "./problem.tsx";

/** A component whose code is fetched when it is first shown, so that nobody waits for it before that. */
export function fetched<P extends object>(fetchIt: () => Promise<ComponentType<P>>) {
  // Kept, so that a second visit shows it at once.
  let known: ComponentType<P> | undefined;
  return function Fetched(props: P) {
    const [, setKnown] = useState(known !== undefined);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      let here = true;
      if (known || failed) return;
      fetchIt().then(
        (component) => {
          known = component;
          if (here) setKnown(true);
        },
        () => here && setFailed(true),
      );
      return () => {
        here = false;
      };
    }, [failed]);
    if (failed) {
      return (
        <Problem
          title="This page could not be fetched"
          text="The network is down, or Atelier was updated while this page was open. Reload it to go on."
        >
          <Button kind="main" onClick={() => location.reload()}>
            Reload
          </Button>
        </Problem>
      );
    }
    if (known) {
      const Component = known;
      return <Component {...props} />;
    }
    return (
      <p class="flex items-center gap-3 text-dim" role="status">
        <Spinner /> Fetching this page
      </p>
    );
  };
}
