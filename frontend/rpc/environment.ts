/** What the client takes from the world, so that tests can hold it. */
export interface RpcEnvironment {
  /** Of the dashboard, without a slash at the end: `http://localhost:4000`. */
  readonly origin: string;
  readonly fetch: typeof globalThis.fetch;
  openSocket(url: string): WebSocket;
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once. @returns what cancels it */
  after(milliseconds: number, callback: () => void): () => void;
  /** 0 (included) to 1 (not included). */
  random(): number;
}

export function browserEnvironment(): RpcEnvironment {
  return {
    origin: location.origin,
    fetch: (input, init) => fetch(input, init),
    openSocket: (url) => new WebSocket(url),
    now: () => Date.now(),
    after: (milliseconds, callback) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
  };
}

/**
 * How long to wait before attempt `attempt` (0 is the first repeat): random between nothing and a ceiling that doubles, so that
 * a thousand dashboards do not come back in step.
 */
export function backoffMs(attempt: number, random: () => number, ceilingMs = 30_000): number {
  return random() * Math.min(ceilingMs, 500 * 2 ** Math.min(attempt, 16));
}

/** The server was not reached, or went away before it answered: whether it did what was asked is not known. */
export class ConnectionLost extends Error {
  override readonly name: string = "ConnectionLost";
}

/** The way to the server is there, and it was too busy to take the call, or fell over it. */
export class ServerBusy extends ConnectionLost {}
