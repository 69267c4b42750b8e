import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The kernel's limit is 107 bytes for the path of a unix socket; names in the folder are short. */
const LONGEST_FOLDER = 90;

/**
 * Makes an empty folder for unix sockets that only this account may use: in the service's own state, so that the next start removes
 * what a crash left; in the machine's temporary folder when there is no state, or when its path is too long for sockets.
 */
export async function makeSocketFolder(stateDirectory: string | undefined): Promise<string> {
  const folder = stateDirectory === undefined ? undefined : join(stateDirectory, ".sockets");
  if (folder === undefined || Buffer.byteLength(folder) > LONGEST_FOLDER) return mkdtemp(join(tmpdir(), "atelier-"));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
