import { build } from "./build.ts";
import { installIde } from "./workspace-image/ide/install-ide.ts";

/**
 * Puts on disk what `npm start` and the tests need: what is built, and the IDE. Says why when it cannot, and ends the process.
 * @returns the IDE's folder
 */
export async function prepareOrExit(): Promise<{ ide: string }> {
  // Both end before the process does, so that neither is cut off half-way.
  const [built, ide] = await Promise.allSettled([build(), installIde()]);
  const failed = [built, ide].filter((end) => end.status === "rejected");
  for (const { reason } of failed) console.error(`\n${reason instanceof Error ? reason.message : reason}`);
  if (failed.length > 0 || ide.status === "rejected") process.exit(1);
  return { ide: ide.value };
}
