import { useState } from "preact/hooks";
import type { ResultOf } from "#protocol/methods/index.ts";
import type { WorkspaceClass } from "#protocol/workspace.ts";
import { useUser } from "../app.ts";
import { Button, ButtonLink } from "../parts/button.tsx";
import { sayPrice, saySize } from "../parts/say-time.ts";

interface Props {
  resolved: ResultOf<"context.resolve">;
  busy: boolean;
  onCreate(classId: string | undefined): void;
  onReopen(id: string): void;
}

/** Where it would run, and the one click that a new repository waits for: a link never runs code unasked. */
export function CreateForm({ resolved, busy, onCreate, onReopen }: Props) {
  const classes = useUser()?.classes ?? [];
  const [chosen, choose] = useState(resolved.class);
  const [latest] = resolved.existing;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onCreate(chosen === resolved.class ? undefined : chosen);
      }}
    >
      <fieldset>
        <legend class="mb-2 text-[13px] font-medium text-dim">Where it runs</legend>
        <div class="rounded-lg border border-line bg-surface">
          {classes.map((size) => (
            <ClassChoice
              key={size.id}
              size={size}
              chosen={chosen === size.id}
              only={classes.length === 1}
              onChoose={() => choose(size.id)}
            />
          ))}
          {classes.length === 0 && <p class="px-4 py-3 text-dim">{resolved.class}</p>}
        </div>
      </fieldset>
      {!resolved.known && (
        <p class="mt-4 text-dim">
          {resolved.context.kind === "pull-request" || resolved.context.kind === "commit"
            ? "A pull request or a single commit may hold anybody's code."
            : "You have not opened this repository before."}{" "}
          It runs in a workspace of your own, and only after you ask for it.
        </p>
      )}
      <div class="mt-6 flex flex-wrap gap-2">
        <Button kind="main" type="submit" busy={busy} autofocus>
          Open workspace
        </Button>
        {latest && !busy && <Button onClick={() => onReopen(latest)}>Go to the one you have</Button>}
        <ButtonLink href="#/">Back</ButtonLink>
      </div>
    </form>
  );
}

function ClassChoice(props: { size: WorkspaceClass; chosen: boolean; only: boolean; onChoose(): void }) {
  const { size } = props;
  return (
    <label class="flex cursor-pointer flex-wrap items-center gap-x-3 border-t border-line px-4 py-3 first:border-t-0 has-focus-visible:outline-2 has-focus-visible:outline-accent">
      <input
        type="radio"
        name="class"
        class={props.only ? "sr-only" : "size-4 accent-accent"}
        checked={props.chosen}
        onChange={props.onChoose}
      />
      <span class="font-medium">{size.name}</span>
      <span class="text-dim">
        {saySize(size)} · {size.diskGiB} GiB disk · {size.architecture}
      </span>
      <span class="ml-auto text-dim tabular-nums">{sayPrice(size.dollarsPerHour)}</span>
    </label>
  );
}
