/** `npm run faults -- --seeds 10000 [--first 1]`, or one with all that happened: `npm run faults -- --seed 42`. */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { planHistory } from "./plan-history.ts";
import { runHistory } from "./run-history.ts";
import { describeFailure, shrink } from "./shrink.ts";
import { Tally } from "./tally.ts";

setFlagsFromString("--max-semi-space-size=64");
setFlagsFromString("--min-semi-space-size=32");

const { values } = parseArgs({
  options: { seeds: { type: "string" }, first: { type: "string" }, seed: { type: "string" }, log: { type: "boolean" } },
});

if (values.seed !== undefined) {
  const history = planHistory(Number(values.seed));
  const outcome = await runHistory(history);
  for (const { at, from, text } of values.log ? outcome.log : [])
    console.log(`${((at - outcome.startedAt) / 1_000).toFixed(3)} ${from}: ${text}`);
  if (outcome.violations.length === 0)
    console.log(
      `seed ${history.seed} holds (${outcome.calls} calls, ${outcome.simulatedMs / 1_000} simulated seconds)`,
    );
  else console.log(describeFailure(await shrink(history)));
  process.exitCode = outcome.violations.length === 0 ? 0 : 1;
} else {
  const tally = new Tally();
  const first = Number(values.first ?? 1);
  const count = Number(values.seeds ?? 100);
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await runHistory(planHistory(seed));
    tally.add(seed, outcome);
    if (outcome.violations.length > 0)
      console.log(
        `seed ${seed}: ${outcome.violations
          .map(({ invariant, text }) => `(${invariant}) ${text}`)
          .slice(0, 3)
          .join("; ")}`,
      );
  }
  console.log(tally.describe());
  process.exitCode = tally.failed.length === 0 ? 0 : 1;
}
