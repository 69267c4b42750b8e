import type { ComponentChildren } from "preact";
import { recogniseUrl } from "../routing/recognise-url.ts";

/** What is recognised of a URL while it is typed. Always takes its line, so that nothing jumps. */
export function Recognised({ text, id }: { text: string; id: string }) {
  return (
    <p
      id={id}
      aria-live="polite"
      class="mt-2 flex min-h-6 flex-wrap items-center gap-x-4 gap-y-1 px-1 text-[13px] text-dim"
    >
      <RecognisedParts text={text} />
    </p>
  );
}

function RecognisedParts({ text }: { text: string }) {
  if (text.trim() === "") {
    return (
      <span class="text-faint">A repository, branch, tag or commit on any Git server, in its https or SSH form.</span>
    );
  }
  const recognised = recogniseUrl(text);
  if ("problem" in recognised) return <span>{recognised.problem}</span>;
  return (
    <>
      <Part name="Host">{recognised.host}</Part>
      <Part name="Repository">{recognised.repository}</Part>
      <Part name={recognised.ref.name}>{recognised.ref.value}</Part>
      {recognised.hasCredential && <span>With credentials: used for cloning, and kept out of the address.</span>}
    </>
  );
}

function Part({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <span class="min-w-0">
      <span class="text-faint">{name}</span> <span class="font-mono wrap-anywhere text-ink">{children}</span>
    </span>
  );
}
