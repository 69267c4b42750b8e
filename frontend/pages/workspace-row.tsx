import { useEffect, useRef, useState } from "preact/hooks";
import type { Workspace } from "#protocol/workspace.ts";
import { useApp, useClass } from "../app.ts";
import { Button, ButtonLink } from "../parts/button.tsx";
import { DotsIcon, Menu } from "../parts/menu.tsx";
import { sayAgo, sayPrice, saySize } from "../parts/say-time.ts";
import { StateDot } from "../parts/state-dot.tsx";
import { traceHash, workspaceHash } from "../routing/route.ts";
import { canStop, isStarting, mainActionOf, refName, repositoryName, stateOf } from "../workspaces/state-words.ts";
import { useAction } from "../workspaces/use-action.ts";
import { deleteWorkspace, enterWorkspace, startWorkspace, stopWorkspace } from "../workspaces/workspace-actions.ts";

const ACTION_WORDS = { open: "Open", watch: "Watch", start: "Start" } as const;

export function WorkspaceRow({ workspace, now }: { workspace: Workspace; now: number }) {
  const app = useApp();
  const [confirming, setConfirming] = useState(false);
  const { id, instance } = workspace;
  const enter = useAction((signal) => enterWorkspace(app, id, "push", signal));
  const start = useAction((signal) => startWorkspace(app, id, signal));
  const stop = useAction((signal) => stopWorkspace(app, id, signal));
  const remove = useAction((signal) => deleteWorkspace(app, id, signal));
  const error = enter.error ?? start.error ?? stop.error ?? remove.error;
  const name = `${repositoryName(workspace)} ${refName(workspace)}`;
  const action = mainActionOf(workspace);

  async function copyUrl() {
    try {
      await navigator.clipboard.writeText(workspace.url);
      app.announcement.value = "The URL is copied.";
    } catch {
      app.announcement.value = "The browser refused to copy the URL.";
    }
  }

  return (
    <li
      data-row={id}
      class="border-t border-line px-3 py-3 transition-colors first:border-t-0 focus-within:bg-hover/70 hover:bg-hover/70 sm:px-4"
      onKeyDown={(event) => {
        if (event.key !== "s" || event.ctrlKey || event.metaKey || event.altKey || !canStop(workspace)) return;
        stop.run();
      }}
    >
      <div class="workspace-row">
        <div class="area-[name] min-w-0">
          <div class="flex min-w-0 items-baseline gap-x-2" title={name}>
            <span class="truncate font-medium">{repositoryName(workspace)}</span>
            <span class="truncate font-mono text-[13px] text-dim">{refName(workspace)}</span>
          </div>
          <div class="hidden truncate font-mono text-xs leading-5 text-faint min-[760px]:block">{id}</div>
        </div>
        <div class="row-meta">
          <div class="area-[state] text-[13px]">
            <StateDot state={stateOf(workspace)} />
          </div>
          <RowClass workspace={workspace} />
          <RowUse workspace={workspace} now={now} />
          <Ports workspace={workspace} />
        </div>
        <div class="area-[action] grid" data-action>
          {/* Always the same link, so that the focus stays on it when the state changes. */}
          <ButtonLink
            size="small"
            href={workspaceHash(id)}
            busy={enter.busy || start.busy}
            aria-label={`${ACTION_WORDS[action]} ${name}`}
            onClick={(event) => {
              // With a modifier it is the browser's: the start page in a new tab, which goes on to the IDE.
              if (action === "watch" || event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              if (action === "open") enter.run();
              else start.run();
            }}
          >
            {ACTION_WORDS[action]}
          </ButtonLink>
        </div>
        <div class="area-[menu]">
          <Menu
            label={`More actions for ${name}`}
            items={[
              ...(instance && isStarting(instance.phase)
                ? [{ label: "Cancel the start", act: () => stop.run() }]
                : [{ label: "Stop", disabled: !canStop(workspace), act: () => stop.run() }]),
              { label: "Copy URL", act: () => void copyUrl() },
              { label: "Open another one", act: () => app.router.openUrl(workspace.contextUrl) },
              ...(instance
                ? [{ label: "Where the time went", act: () => app.router.goTo(traceHash(instance.id)) }]
                : []),
              { label: "Delete…", danger: true, act: () => setConfirming(true) },
            ]}
          >
            <DotsIcon />
          </Menu>
        </div>
      </div>
      {confirming && (
        <DeleteConfirmation
          name={name}
          busy={remove.busy}
          onDelete={() => remove.run()}
          onKeep={() => setConfirming(false)}
        />
      )}
      {error && (
        <p role="alert" class="mt-1 text-[13px] text-failed min-[760px]:pl-[120px]">
          {error.message}
        </p>
      )}
      {!error && instance?.phase === "stopped" && instance.conditions.failed && (
        <p class="mt-1 text-[13px] wrap-anywhere text-dim min-[760px]:pl-[120px]">{instance.conditions.failed}</p>
      )}
    </li>
  );
}

function RowClass({ workspace }: { workspace: Workspace }) {
  const size = useClass(workspace);
  return (
    <div class="area-[class] text-[13px] text-dim">
      {size?.name ?? workspace.class}
      {size && <div class="hidden text-xs leading-5 text-faint min-[760px]:block">{saySize(size)}</div>}
    </div>
  );
}

/** When it was last used and what it costs; where there is no room for both, a run shows its price. */
function RowUse({ workspace, now }: { workspace: Workspace; now: number }) {
  const size = useClass(workspace);
  const { instance, lastUsedAt } = workspace;
  const priced = size !== undefined && instance !== undefined && instance.phase !== "stopped";
  return (
    <div class="area-[used] text-[13px] text-dim">
      <time
        dateTime={lastUsedAt}
        title={new Date(lastUsedAt).toLocaleString()}
        class={priced ? "max-[760px]:hidden" : undefined}
      >
        {sayAgo(lastUsedAt, now)}
      </time>
      {priced && (
        <div class="min-[760px]:text-xs min-[760px]:leading-5 min-[760px]:text-faint">
          {sayPrice(size.dollarsPerHour)}
        </div>
      )}
    </div>
  );
}

function Ports({ workspace: { instance } }: { workspace: Workspace }) {
  if (instance?.phase !== "running" || instance.ports.length === 0) return null;
  return (
    <ul class="area-[ports] flex flex-wrap gap-1" aria-label="Ports">
      {instance.ports.map(({ port, url, visibility }) => (
        <li key={port}>
          <a
            href={url}
            target="_blank"
            rel="noopener"
            title={visibility === "public" ? "Everybody with the address can open it" : "Only you can open it"}
            class="inline-flex h-6 items-center gap-1 rounded-full border border-line bg-surface px-2 font-mono text-xs hover:border-edge"
          >
            {port}
            {visibility === "public" && <span class="font-sans text-dim">public</span>}
          </a>
        </li>
      ))}
    </ul>
  );
}

function DeleteConfirmation(props: { name: string; busy: boolean; onDelete(): void; onKeep(): void }) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    <fieldset
      class="mt-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-md border border-failed-line bg-failed-ground py-2 pr-2 pl-3"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") props.onKeep();
      }}
    >
      <legend class="sr-only">Delete {props.name}</legend>
      <p class="flex-1 basis-56">Delete this workspace with all its files? What was not pushed is lost.</p>
      <div class="flex gap-2">
        <Button size="small" buttonRef={keep} onClick={props.onKeep}>
          Keep it
        </Button>
        <Button size="small" kind="danger" busy={props.busy} onClick={props.onDelete}>
          Delete
        </Button>
      </div>
    </fieldset>
  );
}
