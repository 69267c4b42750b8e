import { useEffect, useRef, useState } from "preact/hooks";
import type { AtelierError } from "#protocol/errors.ts";
import { asProblem, useApp } from "../app.ts";
import { Button, ButtonLink, Spinner } from "../parts/button.tsx";
import { Problem, problemTitle } from "../parts/problem.tsx";
import { WorkspaceProgress } from "./workspace-progress.tsx";

/** The start page of a workspace: where its start is, or why it is not running. */
export function WorkspacePage({ id }: { id: string }) {
  const app = useApp();
  const [error, setError] = useState<AtelierError>();
  const [attempt, setAttempt] = useState(0);
  const workspace = app.workspaces.get(id);
  const connection = app.client.connection.state.value;
  const run = workspace?.instance?.id;
  const wasThere = useRef(false);
  if (workspace) wasThere.current = true;

  // Again for each run, and when the connection is back: pushes of the log may have been missed.
  useEffect(() => {
    let here = true;
    setError(undefined);
    app.catchUp(id).catch((thrown: unknown) => {
      if (here) setError(asProblem(thrown));
    });
    return () => {
      here = false;
    };
  }, [id, run, attempt, connection === "open"]);

  if (app.workspaces.isDeleted(id)) {
    return (
      <Problem
        title={wasThere.current ? "This workspace was deleted" : "This workspace does not exist"}
        text="Its files are gone. To work on the same repository again, open its URL once more."
      >
        <ButtonLink kind="main" href="#/">
          Back to your workspaces
        </ButtonLink>
      </Problem>
    );
  }
  if (workspace) return <WorkspaceProgress workspace={workspace} />;
  if (error?.kind === "NOT_FOUND" || error?.kind === "PERMISSION_DENIED") {
    return (
      <Problem
        title="There is no such workspace of yours"
        text={`${id} was deleted, belongs to somebody else, or never was. Whoever sent you the link can send you the URL of the repository.`}
      >
        <ButtonLink kind="main" href="#/">
          Back to your workspaces
        </ButtonLink>
      </Problem>
    );
  }
  if (error) {
    return (
      <Problem title={problemTitle(error)} text={error.message}>
        <Button kind="main" onClick={() => setAttempt(attempt + 1)}>
          Try again
        </Button>
        <ButtonLink href="#/">Back</ButtonLink>
      </Problem>
    );
  }
  return (
    <p class="flex items-center gap-3 text-dim" role="status">
      <Spinner /> Fetching {id}
    </p>
  );
}
