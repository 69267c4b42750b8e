import { join } from "node:path";
import { runProgram } from "./run-program.ts";

// What is left after an orderly end is a fault, and must not keep a person's terminal.
process.exit(await runProgram(join(import.meta.dirname, "..")));
