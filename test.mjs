// `npm test`: everything that can be tested on this machine. Arguments go to vitest: `npm test -- local/`.
import { fileURLToPath, pathToFileURL } from "node:url";
import { haveNode24 } from "./with-node-24.mjs";

if (await haveNode24(fileURLToPath(import.meta.url))) {
  const { prepareOrExit } = await import("./prepare.ts");
  await prepareOrExit();
  const vitest = fileURLToPath(new URL("node_modules/vitest/vitest.mjs", import.meta.url));
  process.argv = [process.execPath, vitest, "run", ...process.argv.slice(2)];
  await import(pathToFileURL(vitest).href);
}
