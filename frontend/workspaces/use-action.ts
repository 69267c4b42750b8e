import { useEffect, useRef, useState } from "preact/hooks";
import type { AtelierError } from "#protocol/errors.ts";
import { asProblem } from "../app.ts";

export interface Action<A extends unknown[]> {
  run(...args: A): void;
  readonly busy: boolean;
  readonly error: AtelierError | undefined;
  /** Gives up on it, and forgets its error. */
  cancel(): void;
}

/** A thing that a person asks for: one at a time, with its error; cancelled when the page is left. */
export function useAction<A extends unknown[]>(act: (signal: AbortSignal, ...args: A) => Promise<void>): Action<A> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<AtelierError>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  function run(...args: A) {
    if (running.current) return;
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setError(undefined);
    act(controller.signal, ...args)
      .catch((thrown: unknown) => {
        if (!controller.signal.aborted) setError(asProblem(thrown));
      })
      .finally(() => {
        if (controller.signal.aborted) return;
        running.current = undefined;
        setBusy(false);
      });
  }
  function cancel() {
    running.current?.abort();
    running.current = undefined;
    setBusy(false);
    setError(undefined);
  }
  return { run, busy, error, cancel };
}
