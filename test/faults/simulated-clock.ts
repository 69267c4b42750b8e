import type { Clock, Timer } from "#local/service.ts";

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly isLive: () => boolean;
  callback: (() => void) | undefined;
}

/** The time of one kind of process: its timers end with it. */
export interface Timeline extends Clock {
  readonly isLive: boolean;
  /** The process is gone: none of its timers strikes any more. */
  end(): void;
}

/** Simulated time: it moves only when nothing can go on without it, and then to the next timer. */
export class SimulatedClock {
  #now: number;
  #order = 0;
  #holds = 0;
  readonly #heap: Entry[] = [];
  /** How many timers have struck. */
  struck = 0;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  timeline(): Timeline {
    let live = true;
    const isLive = (): boolean => live;
    return {
      get isLive() {
        return live;
      },
      now: () => this.#now,
      setTimeout: (callback, ms) => this.#set(callback, ms, isLive),
      end() {
        live = false;
      },
    };
  }

  /** Time stands still until this is done. */
  hold(work: Promise<unknown>): void {
    this.#holds += 1;
    const release = (): void => {
      this.#holds -= 1;
    };
    work.then(release, release);
  }

  /** Strikes timers, one after the other, until `end` (milliseconds since 1970) or until `isDone`. */
  async runUntil(end: number, isDone: () => boolean = () => false): Promise<void> {
    do await settle();
    while (this.#holds > 0);
    while (!isDone()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) {
        if (end !== Number.POSITIVE_INFINITY) this.#now = Math.max(this.#now, end);
        return;
      }
      this.#pop();
      const { callback } = next;
      if (callback === undefined || !next.isLive()) continue;
      this.#now = Math.max(this.#now, next.at);
      this.struck += 1;
      callback();
      do await settle();
      while (this.#holds > 0);
    }
  }

  #set(callback: () => void, ms: number, isLive: () => boolean): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, Math.ceil(ms) || 0), order: this.#order++, isLive, callback };
    this.#push(entry);
    return {
      cancel() {
        entry.callback = undefined;
      },
    };
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A turn of the event loop: nothing in a history does real I/O, so that all promises that can go on have gone on then. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
