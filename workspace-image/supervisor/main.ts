/** Entry of the container. As process 1 it also inherits orphans; Node reaps only its own children, so the image runs it under an init. */
import { runSupervisor } from "./run-supervisor.ts";
import { takeConfiguration } from "./take-configuration.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => stop.abort(new Error(`${name} was received.`)));

const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const configuration = takeConfiguration(process.env);
  process.exitCode = await runSupervisor({
    configuration,
    environment: { ...process.env },
    signal: stop.signal,
    print,
  });
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
// Whatever is still open (a socket on its way) must not hold the container.
process.exit();
