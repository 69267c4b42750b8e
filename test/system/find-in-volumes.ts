import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where a workspace file lies on this machine, in every volume that has it; oldest volume first. */
export function findInVolumes(home: string, file: string): string[] {
  const root = join(home, "efs");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).endsWith(`/${file}`))
    .map((entry) => join(entry.parentPath, entry.name));
}
