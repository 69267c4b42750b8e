import { useEffect, useState } from "preact/hooks";

/** The time by `clock`, renewed every `everyMs` while the component is there; not at all for `undefined`. */
export function useNow(clock: () => number, everyMs: number | undefined): number {
  const [now, setNow] = useState(clock);
  useEffect(() => {
    if (everyMs === undefined) return;
    setNow(clock());
    const timer = setInterval(() => setNow(clock()), everyMs);
    return () => clearInterval(timer);
  }, [clock, everyMs]);
  return now;
}
