import { build } from "./build.ts";
import { installIde } from "./workspace-image/ide/install-ide.ts";

/** Puts on disk what `npm start` and the tests need: what is built, and the IDE. Says why when it cannot, and ends the process. */
export async function prepareOrExit(): Promise<void> {
  const ends = await Promise.allSettled([build(), installIde()]);
  const failed = ends.find((end) => end.status === "rejected");
  if (!failed) return;
  const { reason } = failed;
  console.error(`\n${reason instanceof Error ? reason.message : reason}`);
  process.exit(1);
}
