import type { ComponentChildren } from "preact";
import type { Context } from "#protocol/context.ts";
import { shortHash } from "../workspaces/state-words.ts";

const REF_NAMES: Record<Context["refType"], string> = { branch: "Branch", tag: "Tag", revision: "Commit", ref: "Ref" };

/** What is opened: repository, ref, commit, path. */
export function ContextFacts({ context, subject }: { context: Context; subject?: string | undefined }) {
  const { repository, commit, refType, ref, path, kind } = context;
  return (
    <dl class="grid grid-cols-[88px_minmax(0,1fr)] gap-x-4 gap-y-2 rounded-lg border border-line bg-surface px-4 py-3">
      <Fact name="Repository">{[repository.host, repository.owner, repository.name].filter(Boolean).join("/")}</Fact>
      {kind === "empty" ? (
        <Fact name="Content" plain>
          Empty: it has no commit yet. It opens as an empty folder.
        </Fact>
      ) : (
        <>
          {refType !== "revision" && <Fact name={REF_NAMES[refType]}>{ref}</Fact>}
          {commit && (
            <Fact name="Commit">
              <span title={commit}>{shortHash(commit)}</span>
              {subject && <span class="ml-2 font-sans text-sm text-dim">{subject}</span>}
            </Fact>
          )}
        </>
      )}
      {path && <Fact name="Shows first">{path}</Fact>}
    </dl>
  );
}

function Fact({ name, plain, children }: { name: string; plain?: boolean; children: ComponentChildren }) {
  return (
    <>
      <dt class="text-dim">{name}</dt>
      <dd class={`min-w-0 wrap-anywhere ${plain ? "" : "font-mono text-[13px]"}`}>{children}</dd>
    </>
  );
}
