import type { ComponentChildren } from "preact";
import { useApp, useUser } from "../app.ts";
import { Menu } from "./menu.tsx";
import { OfflineBanner } from "./offline-banner.tsx";
import { ThemeChoice } from "./theme-choice.tsx";

/** What stands around every page. */
export function Frame({ children, onShowKeys }: { children: ComponentChildren; onShowKeys?: () => void }) {
  const { announcement } = useApp();
  return (
    <div class="mx-auto flex min-h-dvh max-w-[960px] flex-col px-4 sm:px-6">
      <button
        type="button"
        class="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-30 focus:rounded-md focus:bg-surface focus:px-4 focus:py-2"
        onClick={() => document.querySelector("main")?.focus()}
      >
        Skip to content
      </button>
      <header class="flex h-16 items-center justify-between">
        <a href="#/" class="-mx-1 flex items-center gap-2 rounded-md px-1 text-base font-semibold tracking-tight">
          <Mark />
          Atelier
        </a>
        <div class="-mr-2">
          <PersonMenu />
        </div>
      </header>
      <OfflineBanner />
      <main tabIndex={-1} class="flex-1 pt-6 pb-16 outline-none sm:pt-10">
        {children}
      </main>
      <footer class="flex items-center justify-between gap-4 border-t border-line py-4 text-[13px] text-faint">
        {onShowKeys ? (
          <button type="button" class="rounded-md hover:text-ink" onClick={onShowKeys}>
            <kbd class="rounded-[4px] border border-line px-1.5 py-0.5 font-mono text-xs">?</kbd> shows the keys
          </button>
        ) : (
          <span />
        )}
        <ThemeChoice />
      </footer>
      <div aria-live="polite" role="status" class="sr-only">
        {announcement.value}
      </div>
    </div>
  );
}

function PersonMenu() {
  const user = useUser();
  const { environment } = useApp();
  if (!user) return null;
  async function signOut() {
    await environment
      .fetch(`${environment.origin}/logout`, { method: "POST", credentials: "same-origin", redirect: "manual" })
      .catch(() => {});
    location.assign("/");
  }
  return (
    <Menu
      label={`Signed in as ${user.name}`}
      heading={
        <div class="mb-1 border-b border-line px-3 pt-2 pb-3">
          <div class="font-medium">{user.name}</div>
          {user.email && <div class="text-[13px] text-dim">{user.email}</div>}
        </div>
      }
      items={[{ label: "Sign out", act: () => void signOut() }]}
    >
      <span class="flex items-center gap-1.5 pl-1">
        <span class="max-w-40 truncate">{user.name}</span>
        <svg class="size-3" viewBox="0 0 12 12" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true">
          <path d="m2.5 4.5 3.5 3.5 3.5-3.5" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
      </span>
    </Menu>
  );
}

export function Mark() {
  return (
    <svg class="size-6" viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="7" class="fill-accent" />
      <g class="stroke-on-accent" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">
        <path d="M7 24 16 7l9 17" />
        <path d="M11.5 19.5h9" />
      </g>
    </svg>
  );
}
