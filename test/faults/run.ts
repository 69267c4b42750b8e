/** `npm run faults -- --seeds 10000 [--first 1]`, or one of them again: `npm run faults -- --seed 42 [--log]`. */
import { parseArgs } from "node:util";
import { build } from "../../build.ts";
import { planHistory } from "./plan-history.ts";
import { runHistory } from "./run-history.ts";
import { runMany } from "./run-many.ts";
import { describeFailure, shrink } from "./shrink.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string" }, first: { type: "string" }, seed: { type: "string" }, log: { type: "boolean" } },
});

/** So many histories from one word to the next. */
const PROGRESS = 100;

await build(["template"]);
process.exitCode =
  values.seed === undefined
    ? await many(Number(values.first ?? 1), Number(values.seeds ?? 100))
    : await one(Number(values.seed));

async function many(first: number, count: number): Promise<number> {
  const tally = await runMany(first, count, {
    onPlayed: (seed, violations, played) => {
      if (violations.length > 0)
        console.log(`seed ${seed}: ${violations.map(({ invariant, text }) => `(${invariant}) ${text}`).join("; ")}`);
      if (played.histories % PROGRESS === 0) console.error(`${played.progress} …`);
    },
  });
  console.log(tally.describe());
  const [failed] = tally.failed;
  if (failed !== undefined) console.log(describeFailure(await shrink(planHistory(failed))));
  return failed === undefined ? 0 : 1;
}

async function one(seed: number): Promise<number> {
  const history = planHistory(seed);
  const { violations, log, startedAt, calls, simulatedMs } = await runHistory(history);
  for (const { at, from, text } of values.log ? log : []) {
    console.log(`${((at - startedAt) / 1_000).toFixed(3)} ${from}: ${text}`);
  }
  if (violations.length > 0) console.log(describeFailure(await shrink(history)));
  else console.log(`Seed ${seed} holds: ${calls} calls to services, ${simulatedMs / 1_000} simulated seconds.`);
  return violations.length === 0 ? 0 : 1;
}
