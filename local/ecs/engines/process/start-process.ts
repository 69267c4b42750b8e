import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Clock, Logger } from "../../../service.ts";
import { type RunningTask, type TaskExit, type TaskSpec, TaskStartError } from "../../engine.ts";
import { endProcesses } from "./end-processes.ts";
import type { TaskOutput } from "./task-output.ts";
import { mainProcess, TaskProcesses } from "./task-processes.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ProcessTools {
  readonly clock: Clock;
  readonly log: Logger;
  readonly output: TaskOutput;
  /** Of every task that was started or found and not stopped yet. */
  readonly living: Set<TaskProcesses>;
}

/** A task that ends within this time did not get to work: what it wrote last says why. */
const ENDED_AT_ONCE_MS = 10_000;

/** Starts a task in a session of its own, so that Ctrl-C on this terminal does not reach it. @throws TaskStartError */
export async function startProcess(task: TaskSpec, command: Command, tools: ProcessTools): Promise<RunningTask> {
  const startedAt = tools.clock.now();
  const { child, ended } = await spawnInto(task.taskId, command, tools.output);
  const exited = ended.then(async (exitCode): Promise<TaskExit> => {
    const atOnce = tools.clock.now() - startedAt < ENDED_AT_ONCE_MS;
    const lastOutput = atOnce ? await tools.output.tail(task.taskId) : undefined;
    return lastOutput === undefined ? { exitCode } : { exitCode, lastOutput };
  });
  const main = mainProcess(child.pid as number);
  const processes = new TaskProcesses(task.marker, main);
  tools.living.add(processes);
  return {
    memento: main,
    exited,
    async stop(timeoutMs) {
      await endProcesses(processes, exited, timeoutMs, tools);
      tools.living.delete(processes);
    },
    inspect: async () => ({ processes: processes.find().map(({ pid }) => pid) }),
  };
}

async function spawnInto(
  taskId: string,
  command: Command,
  output: TaskOutput,
): Promise<{ child: ChildProcess; ended: Promise<number> }> {
  const file = await output.openFor(taskId);
  try {
    const child = spawn(command.program, command.args, {
      cwd: command.workingDirectory,
      env: { ...command.environment },
      detached: true,
      stdio: ["ignore", file.fd, file.fd],
    });
    // Listened to before anything is awaited: a command can end before its output file is closed here.
    const ended = new Promise<number>((resolve) =>
      child.once("exit", (code, signal) => resolve(exitCodeOf(code, signal))),
    );
    await once(child, "spawn");
    // The program that started it may end without it: then the next start finds it.
    child.unref();
    return { child, ended };
  } catch (cause) {
    const { message } = cause as Error;
    throw new TaskStartError("CannotStartContainerError", `${command.program} cannot be started: ${message}`, {
      cause,
    });
  } finally {
    await file.close();
  }
}

/** As Docker gives it: 137 for SIGKILL. */
function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
