import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, ownIdentity, type ProcessIdentity } from "./process-identity.ts";

/** The state directory is in use: its files know one program only. */
export class HomeLockedError extends Error {
  override readonly name = "HomeLockedError";
  readonly pid: number;
  constructor(home: string, pid: number) {
    super(
      `Atelier already runs on ${home} (process ${pid}). End that one, or choose another folder with ATELIER_HOME.`,
    );
    this.pid = pid;
  }
}

/**
 * Takes the state directory (made when missing) for this process. A lock that a killed program left is taken over.
 * @returns to release it
 * @throws HomeLockedError that says who holds it
 */
export function lockHome(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = join(home, "lock");
  // Written whole under another name first: nobody ever reads half a lock, and a link fails when the name is taken.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify(ownIdentity()), { mode: 0o600 });
  try {
    for (;;) {
      if (tryLink(own, file)) return () => rmSync(file, { force: true });
      const holder = readHolder(file);
      if (holder !== undefined && isAlive(holder)) throw new HomeLockedError(home, holder.pid);
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
