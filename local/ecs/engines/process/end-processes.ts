import type { Clock, Logger } from "../../../service.ts";
import type { TaskProcesses } from "./task-processes.ts";

/** How long the kernel may take to end what was killed, before it is left (it then hangs in a device or a file system). */
const KILL_DEADLINE_MS = 5_000;

/**
 * Ends a task as Fargate does: SIGTERM to its main process, SIGKILL after `timeoutMs`; when the main process has ended, everything
 * else ends by SIGKILL at once.
 * @param exited fulfils when the main process has ended
 */
export async function endProcesses(
  processes: TaskProcesses,
  exited: Promise<unknown>,
  timeoutMs: number,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<void> {
  // Before any signal: afterwards nothing tells whose children they were.
  processes.find();
  processes.signalMain("SIGTERM");
  const timeout = Promise.withResolvers<void>();
  const timer = clock.setTimeout(() => timeout.resolve(), timeoutMs);
  await Promise.race([exited, timeout.promise]);
  timer.cancel();
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
  const left = await processes.killAll(sleep, () => clock.now(), KILL_DEADLINE_MS);
  if (left.length > 0) log.warn("Processes of a task cannot be ended", { processes: left });
}
