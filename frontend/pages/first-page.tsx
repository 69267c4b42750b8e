import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useApp } from "../app.ts";
import { Button } from "../parts/button.tsx";
import { isTyping } from "../parts/is-typing.ts";
import { moveRows } from "../parts/move-rows.ts";
import { Problem } from "../parts/problem.tsx";
import { Recognised } from "../parts/recognised.tsx";
import { useNow } from "../parts/use-now.ts";
import { workspaceHash } from "../routing/route.ts";
import { mainActionOf } from "../workspaces/state-words.ts";
import { WorkspaceRow } from "./workspace-row.tsx";

const MINUTE_MS = 60_000;

/** A field for a Git URL, and the person's workspaces. */
export function FirstPage() {
  const app = useApp();
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = "Atelier";
    field.current?.focus();
  }, []);
  usePageKeys(field);

  return (
    <>
      <h1 class="sr-only">Workspaces</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() === "") field.current?.focus();
          else app.router.openUrl(text);
        }}
      >
        <label class="sr-only" for="context-url">
          Paste a Git URL
        </label>
        <div class="flex flex-col gap-2 sm:flex-row">
          <input
            ref={field}
            id="context-url"
            class="h-12 w-full min-w-0 rounded-lg sm:flex-1 border border-edge bg-surface px-4 text-base placeholder:text-faint focus-visible:outline-offset-0"
            type="text"
            inputMode="url"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="Paste a Git URL"
            aria-describedby="recognised"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <Button kind="main" size="large" type="submit">
            Continue
          </Button>
        </div>
        <Recognised text={text} id="recognised" />
      </form>
      <WorkspaceList />
    </>
  );
}

function WorkspaceList() {
  const app = useApp();
  const list = app.workspaces.list.value;
  const now = useNow(app.environment.now, MINUTE_MS);
  const rows = useRef<HTMLUListElement>(null);
  const tops = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    if (rows.current) moveRows(rows.current, tops.current);
  });

  const problem = app.workspaces.problem.value;
  if (problem && list.length === 0) {
    return (
      <div class="mt-8">
        <Problem title="Your workspaces could not be fetched" text={problem.message}>
          <Button
            onClick={() => {
              app.workspaces.problem.value = undefined;
              app.refreshList().catch(() => {});
            }}
          >
            Try again
          </Button>
        </Problem>
      </div>
    );
  }
  if (list.length === 0) return app.workspaces.loaded.value ? <EmptyList /> : <Skeleton />;
  return (
    <section class="mt-8" aria-labelledby="list-title">
      <h2 id="list-title" class="mb-2 flex items-baseline gap-2 text-[13px] font-medium text-dim">
        Your workspaces <span class="font-normal text-faint tabular-nums">{list.length}</span>
      </h2>
      <ul ref={rows} class="rounded-lg border border-line bg-surface">
        {list.map((workspace) => (
          <WorkspaceRow key={workspace.id} workspace={workspace} now={now} />
        ))}
      </ul>
    </section>
  );
}

function EmptyList() {
  return (
    <section class="mt-8 rounded-lg border border-dashed border-line px-6 py-12 text-center">
      <h2 class="font-medium">No workspaces yet</h2>
      <p class="mx-auto mt-1 max-w-[440px] text-dim">
        Paste the URL of a repository, a branch, a tag or a commit above. It is cloned into a workspace of your own and
        opens in VS Code, in this tab.
      </p>
    </section>
  );
}

function Skeleton() {
  return (
    <section class="mt-8" aria-busy="true">
      <p class="sr-only" role="status">
        Fetching your workspaces
      </p>
      <div class="mb-2 h-5" />
      <div class="rounded-lg border border-line bg-surface" aria-hidden="true">
        {[0, 1, 2].map((row) => (
          <div key={row} class="flex h-16 items-center gap-4 border-t border-line px-4 first:border-t-0">
            <div class="pulse-dot h-3 w-20 rounded bg-line" />
            <div class="pulse-dot h-3 w-40 rounded bg-line" />
            <div class="flex-1" />
            <div class="pulse-dot h-8 w-16 rounded-md bg-line" />
          </div>
        ))}
      </div>
    </section>
  );
}

/** `/` for the field; `j`, `k` move between rows; `o` acts on the row that has the focus, in a new tab where that makes sense. */
function usePageKeys(field: { readonly current: HTMLInputElement | null }) {
  const app = useApp();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
      const at = rows.findIndex((row) => row.contains(document.activeElement));
      if (event.key === "/") {
        field.current?.focus();
        field.current?.select();
      } else if (event.key === "j") focusRow(rows[Math.min(at + 1, rows.length - 1)]);
      else if (event.key === "k") focusRow(rows[Math.max(at - 1, 0)]);
      else if (event.key === "o" && at >= 0) {
        const id = rows[at]?.dataset.row as string;
        const workspace = app.workspaces.get(id);
        if (workspace && mainActionOf(workspace) === "start") rowAction(rows[at])?.click();
        else window.open(workspaceHash(id), "_blank", "noopener");
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [app, field]);
}

function focusRow(row: HTMLElement | undefined): void {
  rowAction(row)?.focus();
}

function rowAction(row: HTMLElement | undefined): HTMLElement | null | undefined {
  return row?.querySelector<HTMLElement>("[data-action] > *");
}
