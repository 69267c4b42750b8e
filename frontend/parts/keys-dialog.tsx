import { useEffect, useRef } from "preact/hooks";
import { Button } from "./button.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Go to the field for a Git URL"],
  ["j", "Next workspace"],
  ["k", "Previous workspace"],
  ["o", "Open it in a new tab, or start it"],
  ["s", "Stop it"],
  ["?", "Show these keys"],
  ["Esc", "Close what is open"],
];

/** A modal dialog of the browser's own: it keeps the focus inside, closes on Esc, and gives the focus back. */
export function KeysDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="keys-title"
      class="m-auto w-[min(400px,calc(100vw-32px))] rounded-lg border border-line bg-surface p-6 text-ink shadow-xl shadow-black/20 backdrop:bg-black/40"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <h2 id="keys-title" class="text-xl leading-7 font-semibold">
        Keys
      </h2>
      <dl class="mt-4 grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {KEYS.map(([key, what]) => (
          <div key={key} class="contents">
            <dt>
              <kbd class="inline-block min-w-8 rounded-[4px] border border-line bg-hover px-2 py-0.5 text-center font-mono text-[13px]">
                {key}
              </kbd>
            </dt>
            <dd class="text-dim">{what}</dd>
          </div>
        ))}
      </dl>
      <div class="mt-6 flex justify-end">
        <Button onClick={() => dialog.current?.close()}>Close</Button>
      </div>
    </dialog>
  );
}
