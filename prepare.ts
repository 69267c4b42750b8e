import { build } from "./build.ts";
import { installIde } from "./workspace-image/ide/install-ide.ts";

/** Everything that `npm start` and the tests need on disk: what is built, and the IDE. */
export async function prepare(): Promise<void> {
  await Promise.all([build(), installIde()]);
}
