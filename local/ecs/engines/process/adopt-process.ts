import type { RunningTask, TaskExit } from "../../engine.ts";
import { endProcesses } from "./end-processes.ts";
import type { ProcessTools } from "./start-process.ts";
import { type MainProcess, TaskProcesses } from "./task-processes.ts";

/** The kernel tells only parents of an end, and a process of an earlier run has lost its parent. */
const LOOK_MS = 50;

/** @returns undefined when nothing of the task lives */
export function adoptProcess(
  marker: string,
  main: MainProcess | undefined,
  tools: ProcessTools,
): RunningTask | undefined {
  const processes = new TaskProcesses(marker, main);
  if (processes.find().length === 0) return undefined;
  tools.living.add(processes);
  let exited: Promise<TaskExit> | undefined;
  return {
    memento: main,
    get exited() {
      exited ??= waitForEnd(processes, tools);
      return exited;
    },
    async stop(timeoutMs) {
      await endProcesses(processes, this.exited, timeoutMs, tools);
      tools.living.delete(processes);
    },
    inspect: async () => ({ processes: processes.find().map(({ pid }) => pid) }),
  };
}

/** How it ended cannot be known: its exit code went to whoever inherited it. */
async function waitForEnd(processes: TaskProcesses, { clock }: ProcessTools): Promise<TaskExit> {
  while (processes.mainLives()) await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
  return {};
}
