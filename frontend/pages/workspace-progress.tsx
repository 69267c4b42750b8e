import { useEffect, useRef, useState } from "preact/hooks";
import type { Workspace } from "#protocol/workspace.ts";
import { useApp } from "../app.ts";
import { Button, ButtonLink, Spinner } from "../parts/button.tsx";
import { LogView } from "../parts/log-view.tsx";
import { Problem, problemTitle } from "../parts/problem.tsx";
import { sayAgo } from "../parts/say-time.ts";
import { StageList } from "../parts/stage-list.tsx";
import { StateDot } from "../parts/state-dot.tsx";
import { useNow } from "../parts/use-now.ts";
import { traceHash } from "../routing/route.ts";
import { type Watch, watch } from "../workspaces/open-existing.ts";
import { canStop, refName, repositoryName, shortHash, stateOf, whyStopped } from "../workspaces/state-words.ts";
import { useAction } from "../workspaces/use-action.ts";
import {
  createWorkspace,
  enterWorkspace,
  newRequestId,
  startWorkspace,
  stopWorkspace,
} from "../workspaces/workspace-actions.ts";

const MINUTE_MS = 60_000;

export function WorkspaceProgress({ workspace }: { workspace: Workspace }) {
  const app = useApp();
  const { id, instance } = workspace;
  const [clock] = useState(() => () => app.client.serverNow());
  const requestId = useRef(newRequestId());
  const watched = useRef<Watch>(undefined);
  const enter = useAction((signal) => enterWorkspace(app, id, "replace", signal));
  const stop = useAction((signal) => stopWorkspace(app, id, signal));
  const start = useAction(async (signal) => {
    await startWorkspace(app, id, signal);
    watched.current = { goesOn: true };
  });
  const create = useAction((signal, url: string) => createWorkspace(app, url, requestId.current, undefined, signal));

  const phase = instance?.phase ?? "stopped";
  useEffect(() => {
    watched.current = watch(watched.current, workspace);
    if (phase === "running" && watched.current.goesOn) enter.run();
  }, [phase]);
  useEffect(() => {
    document.title = `${repositoryName(workspace)} · ${stateOf(workspace).word} – Atelier`;
  }, [workspace]);

  const error = enter.error ?? stop.error ?? start.error ?? create.error;
  const arrival = app.arrivals.get(id);
  function retry() {
    if (enter.error) enter.run();
    else if (stop.error) stop.run();
    else if (start.error) start.run();
    else if (arrival) create.run(arrival);
  }
  return (
    <>
      <Heading workspace={workspace} />
      <div class="mt-6 flex flex-col gap-4">
        {error && (
          <Problem title={problemTitle(error)} text={error.message}>
            <Button kind="main" onClick={retry}>
              Try again
            </Button>
            <ButtonLink href="#/">Back</ButtonLink>
          </Problem>
        )}
        {phase === "stopped" && !error && <Ended workspace={workspace} busy={start.busy} onStart={() => start.run()} />}
        {phase === "running" && !error && (
          <div class="flex flex-wrap items-center justify-between gap-4 rounded-lg border border-line bg-surface px-4 py-3">
            <p class="flex items-center gap-3" role="status">
              {enter.busy ? <Spinner /> : null} {enter.busy ? "Going to VS Code" : "VS Code is ready."}
            </p>
            <Button kind="main" size="small" busy={enter.busy} onClick={() => enter.run()}>
              Open VS Code
            </Button>
          </div>
        )}
        {instance && instance.stages.length > 0 && <StageList stages={instance.stages} clock={clock} />}
        <div class="flex flex-wrap gap-2">
          {canStop(workspace) && (
            <Button busy={stop.busy} onClick={() => stop.run()}>
              {phase === "running" ? "Stop" : "Cancel"}
            </Button>
          )}
          {phase !== "stopped" && (
            <ButtonLink href="#/" kind="quiet">
              Back to your workspaces
            </ButtonLink>
          )}
          {instance && (
            <ButtonLink href={traceHash(instance.id)} kind="quiet">
              Where the time went
            </ButtonLink>
          )}
          {arrival && (
            <Button kind="quiet" busy={create.busy} onClick={() => create.run(arrival)}>
              Make a new one instead
            </Button>
          )}
        </div>
        {instance && <Log instanceId={instance.id} starting={phase !== "stopped"} />}
      </div>
    </>
  );
}

function Heading({ workspace }: { workspace: Workspace }) {
  const { instance, context } = workspace;
  const commit = instance?.commit;
  const hash = commit?.hash ?? context.commit;
  return (
    <div class="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div class="min-w-0">
        <h1 class="flex flex-wrap items-baseline gap-x-3 text-xl leading-7 font-semibold wrap-anywhere">
          {repositoryName(workspace)}
          <span class="font-mono text-base font-normal text-dim">{refName(workspace)}</span>
        </h1>
        <p class="mt-1 wrap-anywhere text-dim">
          {hash && context.refType !== "revision" && <span class="mr-2 font-mono text-[13px]">{shortHash(hash)}</span>}
          {commit?.subject}
        </p>
        <p class="font-mono text-xs leading-5 text-faint">{workspace.id}</p>
      </div>
      <div class="leading-7" role="status">
        <StateDot state={stateOf(workspace)} />
      </div>
    </div>
  );
}

/** Why it is not running, and the two things one can do. */
function Ended({ workspace, busy, onStart }: { workspace: Workspace; busy: boolean; onStart(): void }) {
  const { environment } = useApp();
  const now = useNow(environment.now, MINUTE_MS);
  const { instance } = workspace;
  if (instance?.conditions.failed) {
    return (
      <Problem
        title={instance.startedAt ? "The workspace failed" : "The workspace could not be started"}
        text={instance.conditions.failed}
      >
        <Button kind="main" busy={busy} onClick={onStart}>
          Try again
        </Button>
        <ButtonLink href="#/">Back</ButtonLink>
      </Problem>
    );
  }
  return (
    <section class="rounded-lg border border-line bg-surface p-4 sm:p-6">
      <h2 class="text-base leading-6 font-semibold">
        {instance ? whyStopped(instance) : "This workspace was not started yet."}
      </h2>
      <p class="mt-1 text-dim">
        {instance?.stoppedAt && `It ended ${sayAgo(instance.stoppedAt, now)}. `}
        Your files are kept, and nothing is charged by the hour while it is stopped.
      </p>
      <div class="mt-4 flex flex-wrap gap-2">
        <Button kind="main" busy={busy} onClick={onStart}>
          Start
        </Button>
        <ButtonLink href="#/">Back</ButtonLink>
      </div>
    </section>
  );
}

function Log({ instanceId, starting }: { instanceId: string; starting: boolean }) {
  const log = useApp().logs.of(instanceId).view.value;
  // An empty box says nothing about a run that is over.
  if (!starting && log.lines.length === 0) return null;
  return (
    <section aria-labelledby="log-title">
      <h2 id="log-title" class="mb-2 text-[13px] font-medium text-dim">
        Log
      </h2>
      <LogView log={log} empty="Nothing yet. The log begins with the container." />
    </section>
  );
}
