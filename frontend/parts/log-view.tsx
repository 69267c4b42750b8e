import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LogView as Lines } from "../workspaces/log-store.ts";
import { Button } from "./button.tsx";
import { memo } from "./memo.ts";

/** Lines are kept together in blocks, so that a new line touches one block only, and a selection in the others stays. */
const BLOCK_LINES = 50;
/** Nearer to the end than this counts as following. */
const NEAR_PX = 24;

/** A log that follows its end until somebody scrolls up. */
export function LogView({ log, empty }: { log: Lines; empty: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log, following]);

  const blocks: { number: number; text: string }[] = [];
  let from = 0;
  while (from < log.lines.length) {
    const number = Math.floor((log.firstLine + from) / BLOCK_LINES);
    const to = (number + 1) * BLOCK_LINES - log.firstLine;
    blocks.push({ number, text: log.lines.slice(from, to).join("\n") });
    from = to;
  }
  return (
    <div class="relative">
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label="Log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        class="h-72 overflow-auto rounded-lg border border-line bg-surface p-4 font-mono text-xs leading-5 select-text"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setFollowing(scrollHeight - scrollTop - clientHeight < NEAR_PX)
        }
      >
        {log.lines.length === 0 && <p class="text-faint">{empty}</p>}
        {log.firstLine > 0 && <p class="text-faint">The first {log.firstLine} lines are not shown.</p>}
        {blocks.map(({ number, text }) => (
          <Block key={number} text={text} />
        ))}
      </div>
      {!following && (
        <div class="absolute right-4 bottom-4">
          <Button size="small" onClick={() => setFollowing(true)}>
            Follow
          </Button>
        </div>
      )}
    </div>
  );
}

const Block = memo(({ text }: { text: string }) => <pre class="wrap-anywhere whitespace-pre-wrap">{text}</pre>);
