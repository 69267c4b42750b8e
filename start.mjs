// `npm start`: Atelier on this machine. Installs what is missing, builds what has changed, and runs the embedded cloud.
import module from "node:module";
import { fileURLToPath } from "node:url";
import { haveNode24 } from "./with-node-24.mjs";

if (await haveNode24(fileURLToPath(import.meta.url))) {
  module.enableCompileCache();
  const { prepareOrExit } = await import("./prepare.ts");
  const { ide } = await prepareOrExit();
  process.env.ATELIER_IDE = ide;
  await import("./local/main.ts");
}
