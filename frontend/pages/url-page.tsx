import { useEffect, useRef, useState } from "preact/hooks";
import type { AtelierError } from "#protocol/errors.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import { asProblem, useApp } from "../app.ts";
import { Button, ButtonLink, Spinner } from "../parts/button.tsx";
import { ContextFacts } from "../parts/context-facts.tsx";
import { Problem, problemTitle } from "../parts/problem.tsx";
import { recogniseUrl } from "../routing/recognise-url.ts";
import { openExisting } from "../workspaces/open-existing.ts";
import { useAction } from "../workspaces/use-action.ts";
import { createWorkspace, newRequestId } from "../workspaces/workspace-actions.ts";
import { CreateForm } from "./create-form.tsx";

type Resolved = ResultOf<"context.resolve">;

/** What a URL leads to: asked of its Git host, shown, and opened — by itself only where this person opened it before. */
export function UrlPage({ contextUrl }: { contextUrl: string }) {
  const app = useApp();
  const [resolved, setResolved] = useState<Resolved>();
  const [error, setError] = useState<AtelierError>();
  const [attempt, setAttempt] = useState(0);
  const requestId = useRef(newRequestId());

  const create = useAction((signal, classId: string | undefined) =>
    createWorkspace(app, contextUrl, requestId.current, classId, signal),
  );
  const reopen = useAction((signal, id: string) => openExisting(app, id, contextUrl, signal));

  useEffect(() => {
    const controller = new AbortController();
    setError(undefined);
    setResolved(undefined);
    const params = { contextUrl: app.router.withCredentials(contextUrl) };
    app.client
      .call("context.resolve", params, controller.signal)
      .then((answer) => {
        if (controller.signal.aborted) return;
        setResolved(answer);
        const [latest] = answer.existing;
        if (!answer.known) return;
        if (latest) reopen.run(latest);
        else create.run(undefined);
      })
      .catch((thrown: unknown) => {
        if (!controller.signal.aborted) setError(asProblem(thrown));
      });
    return () => controller.abort();
  }, [attempt]);

  const problem = error ?? create.error ?? reopen.error;
  useEffect(() => {
    document.title = `${resolved?.context.title ?? contextUrl} – Atelier`;
  }, [resolved, contextUrl]);

  function tryAgain() {
    create.cancel();
    reopen.cancel();
    setAttempt(attempt + 1);
  }

  return (
    <>
      <h1 class="text-xl leading-7 font-semibold wrap-anywhere">
        {resolved ? resolved.context.title : "Opening a repository"}
      </h1>
      <p class="mt-1 font-mono text-[13px] wrap-anywhere text-dim">{contextUrl}</p>
      <div class="mt-6 flex flex-col gap-6">
        {problem && (
          <Problem title={problemTitle(problem)} text={problem.message}>
            <Button kind="main" onClick={tryAgain}>
              Try again
            </Button>
            <ButtonLink href="#/">Back</ButtonLink>
          </Problem>
        )}
        {!problem && !resolved && <Asking contextUrl={contextUrl} />}
        {resolved && <ContextFacts context={resolved.context} />}
        {resolved && !problem && (
          <Next
            resolved={resolved}
            busy={create.busy ? "creating" : reopen.busy ? "reopening" : undefined}
            onCreate={(classId) => {
              reopen.cancel();
              create.run(classId);
            }}
            onReopen={(id) => reopen.run(id)}
          />
        )}
      </div>
    </>
  );
}

function Asking({ contextUrl }: { contextUrl: string }) {
  const recognised = recogniseUrl(contextUrl);
  return (
    <div class="flex flex-wrap items-center justify-between gap-4 rounded-lg border border-line bg-surface px-4 py-3">
      <p class="flex min-w-0 items-center gap-3" role="status">
        <Spinner />
        <span class="min-w-0 wrap-anywhere">
          {"problem" in recognised ? (
            "Asking the server what this is"
          ) : (
            <>
              Asking <span class="font-mono text-[13px]">{recognised.host}</span> for{" "}
              <span class="font-mono text-[13px]">{recognised.repository}</span>, its branches and tags
            </>
          )}
        </span>
      </p>
      <ButtonLink size="small" href="#/">
        Cancel
      </ButtonLink>
    </div>
  );
}

interface NextProps {
  resolved: Resolved;
  busy: "creating" | "reopening" | undefined;
  onCreate(classId: string | undefined): void;
  onReopen(id: string): void;
}

function Next({ resolved, busy, onCreate, onReopen }: NextProps) {
  if (busy === "reopening") {
    return (
      <div class="flex flex-wrap items-center justify-between gap-4 rounded-lg border border-line bg-surface px-4 py-3">
        <p class="flex items-center gap-3" role="status">
          <Spinner /> Going to the workspace that you have of it
        </p>
        <Button size="small" onClick={() => onCreate(undefined)}>
          Make a new one instead
        </Button>
      </div>
    );
  }
  return <CreateForm resolved={resolved} busy={busy === "creating"} onCreate={onCreate} onReopen={onReopen} />;
}
