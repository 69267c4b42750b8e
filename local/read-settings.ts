import { resolve } from "node:path";

/** What the environment says of a run. */
export interface Settings {
  /** Absolute folder of all state. */
  readonly home: string;
  /** Absolute folder of the IDE; whoever starts us has put it there. */
  readonly ide: string;
  readonly port: number;
  readonly engine: string;
}

/** @throws Error that names the variable and says what it may be */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, root: string): Settings {
  const { ATELIER_PORT: port = "4000" } = environment;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new Error(`ATELIER_PORT=${port} is not a port. Set it to a number from 1 to 65535.`);
  }
  const { ATELIER_IDE: ide } = environment;
  if (!ide) throw new Error("ATELIER_IDE names no folder. Run `npm start`, which installs the IDE and names it.");
  return {
    home: resolve(root, environment.ATELIER_HOME || ".atelier"),
    ide: resolve(root, ide),
    port: Number(port),
    engine: environment.ATELIER_ENGINE || "auto",
  };
}
