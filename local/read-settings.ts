import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** What the environment says of a run. */
export interface Settings {
  /** Absolute folder of all state. */
  readonly home: string;
  /** Absolute folder of what can be fetched again. */
  readonly cache: string;
  readonly port: number;
  readonly engine: string;
}

/** @throws Error that names the variable and says what it may be */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, root: string): Settings {
  const { ATELIER_PORT: port = "4000" } = environment;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new Error(`ATELIER_PORT=${port} is not a port. Set it to a number from 1 to 65535.`);
  }
  const caches = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return {
    home: resolve(root, environment.ATELIER_HOME || ".atelier"),
    cache: resolve(root, environment.ATELIER_CACHE || join(caches, "atelier")),
    port: Number(port),
    engine: environment.ATELIER_ENGINE || "auto",
  };
}
