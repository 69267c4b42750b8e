import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface MenuItem {
  readonly label: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  act(): void;
}

/** A button with a menu: arrows move, Enter acts, Esc and a press elsewhere close it. */
export function Menu({
  label,
  items,
  heading,
  children,
}: {
  label: string;
  items: readonly MenuItem[];
  heading?: ComponentChildren;
  children: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    if (!open) return;
    const onPointer = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [open]);

  function close() {
    setOpen(false);
    button.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    // Letters typed here are not the page's shortcuts.
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") return close();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const entries = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    if (step !== undefined) entries.at((at + step) % entries.length)?.focus();
    else if (event.key === "Home") entries[0]?.focus();
    else if (event.key === "End") entries.at(-1)?.focus();
    else return;
    event.preventDefault();
  }

  return (
    <div ref={root} class="relative">
      <button
        ref={button}
        type="button"
        class="inline-flex h-8 min-w-8 items-center justify-center rounded-md px-2 text-dim transition-colors hover:bg-hover hover:text-ink aria-expanded:bg-hover aria-expanded:text-ink"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (open) onKeyDown(event);
          else if (event.key === "ArrowDown") {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {children}
      </button>
      {open && (
        <div class="absolute right-0 z-20 mt-1 min-w-48 rounded-lg border border-line bg-surface p-1 shadow-lg shadow-black/10">
          {heading}
          <div role="menu" tabIndex={-1} id={id} aria-label={label} onKeyDown={onKeyDown}>
            {items.map((item) => (
              <button
                key={item.label}
                type="button"
                role="menuitem"
                tabIndex={-1}
                aria-disabled={item.disabled ?? false}
                class={`flex h-9 w-full items-center rounded-md px-3 text-left hover:bg-hover focus-visible:bg-hover focus-visible:outline-offset-0 aria-disabled:opacity-50 ${item.danger ? "text-failed" : ""}`}
                onClick={() => {
                  if (item.disabled) return;
                  close();
                  item.act();
                }}
              >
                {item.label}
              </button>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

export function DotsIcon() {
  return (
    <svg class="size-4" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
      <circle cx="3" cy="8" r="1.4" />
      <circle cx="8" cy="8" r="1.4" />
      <circle cx="13" cy="8" r="1.4" />
    </svg>
  );
}
