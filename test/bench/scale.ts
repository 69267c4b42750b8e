/**
 * `npm run bench:scale [-- --size 200 --kind kept|new]`: many workspaces asked for at the same moment. Without options: 200 and 5,000 whose
 * task definitions are there, and 200 that are new. 5,000 take half an hour of one processor.
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { RATES } from "#local/ecs/limits.ts";
import { describeModel, describeRest, describeStart } from "./scale-report.ts";
import { runScenario, type Scenario } from "./scale-scenario.ts";

setFlagsFromString("--max-semi-space-size=64");
setFlagsFromString("--min-semi-space-size=32");

const { values } = parseArgs({
  options: {
    size: { type: "string" },
    kind: { type: "string" },
    concurrency: { type: "string" },
    log: { type: "boolean" },
  },
});

const concurrency = values.concurrency === undefined ? undefined : Number(values.concurrency);
const scenarios: Scenario[] =
  values.size === undefined
    ? [
        { size: 200, kind: "kept", concurrency },
        { size: 200, kind: "new", concurrency },
        { size: 5_000, kind: "kept", concurrency },
      ]
    : [{ size: Number(values.size), kind: values.kind === "new" ? "new" : "kept", concurrency }];

console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
);
console.log(describeModel(RATES));
for (const scenario of scenarios) {
  const outcome = await runScenario(
    scenario,
    (text) => console.error(text),
    (started) => console.log(describeStart(started)),
  );
  console.log(describeRest(outcome, values.log === true));
  if (outcome.lost > 0) process.exitCode = 1;
}
