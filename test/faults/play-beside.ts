/**
 * Plays the many histories beside all other tests, from the beginning of the run: being on simulated time they can wait, so that they
 * take the processor time that others leave. Their test comes last and waits for the outcome.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { runMany } from "./run-many.ts";

/** `.ci/run` asks for more; `npm test` must stay within minutes. */
export const SEEDS = Number(process.env.ATELIER_SEEDS || 100);

/** What is written once all are played. */
export interface Played {
  readonly text: string;
  readonly failed: readonly number[];
}

declare module "vitest" {
  interface ProvidedContext {
    /** The file that has `Played` in the end. */
    histories: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "atelier-histories-"));
  const file = join(folder, "played.json");
  const write = (played: Played): void => {
    writeFileSync(`${file}.whole`, JSON.stringify(played));
    renameSync(`${file}.whole`, file);
  };
  const stop = new AbortController();
  runMany(1, SEEDS, { isPatient: true, signal: stop.signal }).then(
    (tally) => write({ text: tally.describe(), failed: tally.failed }),
    (error: unknown) => {
      if (!stop.signal.aborted) write({ text: String(error), failed: [] });
    },
  );
  project.provide("histories", file);
  return () => {
    stop.abort();
    rmSync(folder, { recursive: true, force: true });
  };
}
