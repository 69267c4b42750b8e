import { useEffect, useRef, useState } from "preact/hooks";
import type { AtelierError } from "#protocol/errors.ts";
import { instanceId as instanceIdOf, parseInstanceId } from "#protocol/ids.ts";
import type { Trace } from "#protocol/methods/trace.ts";
import { asProblem, useApp } from "../app.ts";
import { Button, ButtonLink, Spinner } from "../parts/button.tsx";
import { Problem, problemTitle } from "../parts/problem.tsx";
import { useNow } from "../parts/use-now.ts";
import { Waterfall } from "../parts/waterfall.tsx";
import { traceHash, workspaceHash } from "../routing/route.ts";
import { refName, repositoryName } from "../workspaces/state-words.ts";
import { markWord, partsOf, sayMost, sayOutcome, sayTook } from "../workspaces/trace-words.ts";

const TENTH_MS = 100;
const SECOND_MS = 1_000;

/** Where the time of one run went: its start, how long it ran, and its end; or where and why it failed. */
export function TracePage({ instanceId }: { instanceId: string }) {
  const app = useApp();
  const [trace, setTrace] = useState<Trace>();
  const [error, setError] = useState<AtelierError>();
  const [attempt, setAttempt] = useState(0);
  const asked = useRef(0);
  const shown = useRef(0);
  const { workspaceId = "", run = 0 } = parseInstanceId(instanceId) ?? {};
  const workspace = app.workspaces.get(workspaceId);
  const connection = app.client.connection.state.value;
  // A former run does not change any more.
  const revision = workspace?.instance?.id === instanceId ? workspace.revision : 0;

  useEffect(() => {
    document.title = `Where the time went · ${instanceId} – Atelier`;
  }, [instanceId]);
  useEffect(() => {
    let here = true;
    asked.current += 1;
    const turn = asked.current;
    setError(undefined);
    app.client.call("instance.trace", { instanceId }).then(
      (answer) => {
        // Answers may overtake each other; one that a newer push made old is better than none.
        if (turn < shown.current) return;
        shown.current = turn;
        setTrace(answer.trace);
      },
      (thrown: unknown) => {
        if (here) setError(asProblem(thrown));
      },
    );
    return () => {
      here = false;
    };
  }, [instanceId, revision, attempt, connection === "open"]);

  const latest = parseInstanceId(workspace?.instance?.id ?? "")?.run ?? run;
  return (
    <>
      <h1 class="text-xl leading-7 font-semibold">Where the time went</h1>
      <p class="mt-1 wrap-anywhere text-dim">
        {workspace && (
          <>
            {repositoryName(workspace)} <span class="mr-3 font-mono text-[13px]">{refName(workspace)}</span>
          </>
        )}
        Run {run}
      </p>
      <p class="font-mono text-xs leading-5 wrap-anywhere text-faint">{instanceId}</p>
      <div class="mt-6 flex flex-col gap-6">
        {error && <Failure error={error} onRetry={() => setAttempt(attempt + 1)} />}
        {trace && <Run trace={trace} />}
        {!trace && !error && (
          <p class="flex items-center gap-3 text-dim" role="status">
            <Spinner /> Fetching the trace
          </p>
        )}
        <nav aria-label="Runs" class="flex flex-wrap gap-2">
          <ButtonLink href={workspaceHash(workspaceId)}>Start page</ButtonLink>
          {run > 1 && (
            <ButtonLink kind="quiet" href={traceHash(instanceIdOf(workspaceId, run - 1))}>
              Run {run - 1}
            </ButtonLink>
          )}
          {run < latest && (
            <ButtonLink kind="quiet" href={traceHash(instanceIdOf(workspaceId, run + 1))}>
              Run {run + 1}
            </ButtonLink>
          )}
          <ButtonLink kind="quiet" href="#/">
            Back to your workspaces
          </ButtonLink>
        </nav>
      </div>
    </>
  );
}

function Failure({ error, onRetry }: { error: AtelierError; onRetry(): void }) {
  if (error.kind === "NOT_FOUND" || error.kind === "PERMISSION_DENIED") {
    return (
      <Problem
        title="Nothing is known of this run"
        text="Its workspace was deleted or belongs to somebody else, or it ran more than 30 days ago."
      />
    );
  }
  return (
    <Problem title={problemTitle(error)} text={error.message}>
      <Button kind="main" onClick={onRetry}>
        Try again
      </Button>
    </Problem>
  );
}

function Run({ trace }: { trace: Trace }) {
  const app = useApp();
  const [clock] = useState(() => () => app.client.serverNow());
  const { start, running, end } = partsOf(trace);
  const stopping = end.find(({ name }) => name === "stopping");
  const now = useNow(clock, trace.endedAt ? undefined : running && !stopping ? SECOND_MS : TENTH_MS);
  const requestedAt = Date.parse(trace.requestedAt);
  const startEndedAt = running?.startedAt ?? stopping?.startedAt ?? trace.endedAt;
  const most = sayMost(trace);
  return (
    <>
      <p class="text-base leading-6">
        {sayOutcome(trace, now)} {most && <span class="text-dim">{most}</span>}
      </p>
      <Waterfall
        title="The start"
        spans={start}
        from={requestedAt}
        to={startEndedAt ? Date.parse(startEndedAt) : now}
        now={now}
      />
      {running && (
        <section aria-label="The run" class="rounded-lg border border-line bg-surface px-4 py-3">
          <p>
            {running.state === "active" ? "It has been running for " : "It ran for "}
            <span class="tabular-nums">
              {sayTook((running.endedAt ? Date.parse(running.endedAt) : now) - Date.parse(running.startedAt))}
            </span>
            .
          </p>
          {running.reason && <p class="mt-1 text-[13px] wrap-anywhere text-failed">{running.reason}</p>}
        </section>
      )}
      {stopping && (
        <Waterfall
          title="The end"
          spans={end}
          from={Date.parse(stopping.startedAt)}
          to={trace.endedAt ? Date.parse(trace.endedAt) : now}
          now={now}
        />
      )}
      <Moments trace={trace} />
    </>
  );
}

/** What happened when, by the clock on the wall. */
function Moments({ trace }: { trace: Trace }) {
  return (
    <section aria-labelledby="moments-title">
      <h2 id="moments-title" class="mb-2 text-[13px] font-medium text-dim">
        Moments
      </h2>
      <ol class="rounded-lg border border-line bg-surface py-2">
        {trace.marks.map(({ name, at, detail }, index) => (
          <li key={name} class="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 px-4 py-1">
            <span class="wrap-anywhere">
              {markWord(name)}
              {/* Said once: the end of a failure has the same reason. */}
              {detail !== trace.marks[index - 1]?.detail && <span class="block text-[13px] text-dim">{detail}</span>}
            </span>
            <time
              dateTime={at}
              title={new Date(at).toLocaleString()}
              class="font-mono text-[13px] leading-5 text-dim tabular-nums"
            >
              {new Date(at).toLocaleTimeString("en-GB")}
            </time>
          </li>
        ))}
      </ol>
    </section>
  );
}
