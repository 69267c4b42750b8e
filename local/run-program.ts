import { join } from "node:path";
import { realClock, realRandom } from "./clock.ts";
import { type Cloud, createCloud } from "./cloud.ts";
import type { Engine } from "./ecs/engine.ts";
import { selectEngine } from "./ecs/engines/select-engine.ts";
import { workerRuntime } from "./lambda/worker-runtime.ts";
import { lockHome } from "./lock-home.ts";
import { createLogger, everySink, jsonLines, terminalLines } from "./log.ts";
import { openLogFile } from "./log-file.ts";
import { readLocalParameters } from "./read-local-parameters.ts";
import { readSettings } from "./read-settings.ts";
import { loadSynthesized } from "./template/load-template.ts";

/** Longer than a task's stop timeout (30 s), so that workspaces can save what they hold. */
const stopDeadlineMs = 45_000;

/**
 * `npm start` after everything is built: runs the embedded cloud until SIGINT or SIGTERM; a second one ends it at once.
 * @param root of the repository
 * @returns the exit code
 */
export async function runProgram(root: string): Promise<number> {
  let engine: Engine | undefined;
  const stopped = new Promise<void>((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) {
        engine?.endAtOnce?.();
        process.exit(130);
      }
      asked = true;
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  });

  const ends: (() => void | Promise<void>)[] = [];
  try {
    const settings = readSettings(process.env, root);
    ends.push(lockHome(settings.home));
    const logFile = openLogFile(join(settings.home, "atelier.log"));
    ends.push(logFile.close);
    const log = createLogger(
      everySink(
        jsonLines(logFile.write, realClock.now),
        terminalLines((line) => process.stderr.write(line)),
      ),
    );
    const local = readLocalParameters(root);
    const cloud = await createCloud({
      synthesized: loadSynthesized(local.synthesized),
      parameters: local.parameters,
      openIdClient: local.openIdClient,
      stateDirectory: settings.home,
      port: settings.port,
      clock: realClock,
      random: realRandom,
      log,
      runtime: workerRuntime,
      async engine(context, volumes) {
        const { clock, stateDirectory } = context;
        const placeholders = {
          NODE: process.execPath,
          ROOT: root,
          IDE: settings.ide,
          PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
        };
        const options = {
          clock,
          log: context.log,
          stateDirectory,
          imageFile: local.processImage,
          placeholders,
          volumes,
        };
        engine = await selectEngine(settings.engine, options);
        return engine;
      },
    });
    const started = cloud.start();
    // Somebody may change their mind while it starts.
    if ((await Promise.race([started.then(() => "started"), stopped.then(() => "stopped")])) === "started") {
      process.stdout.write(announcement(cloud.port));
      await stopped;
    }
    process.stdout.write("\nEnding workspaces and services …\n");
    await started.catch(() => undefined);
    return (await stopWithin(cloud, stopDeadlineMs)) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

function announcement(port: number): string {
  const seconds = process.uptime().toFixed(1);
  return `\nAtelier is ready after ${seconds} s: http://localhost:${port}/\nCtrl-C ends it and everything that it started.\n`;
}

/** Whether everything ended in time. */
async function stopWithin(cloud: Cloud, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  const inTime = await Promise.race([cloud.stop().then(() => true), late]);
  clearTimeout(timer);
  if (!inTime)
    process.stderr.write(`Not everything ended within ${deadlineMs / 1000} s; the rest is ended by force.\n`);
  return inTime;
}
