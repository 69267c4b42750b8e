import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock, Logger } from "../../../service.ts";
import { type Engine, type TaskSpec, TaskStartError } from "../../engine.ts";
import { adoptProcess } from "./adopt-process.ts";
import { ContainerPaths } from "./container-paths.ts";
import { findProcessImage } from "./process-image.ts";
import { startProcess } from "./start-process.ts";
import { TaskFolders, type Volumes } from "./task-folders.ts";
import { TaskOutput } from "./task-output.ts";
import type { MainProcess, TaskProcesses } from "./task-processes.ts";

export interface ProcessEngineOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Folder of its own, for output and ephemeral disks; a temporary one when undefined. */
  readonly stateDirectory: string | undefined;
  /** JSON file that describes the images, see `process-image.ts`. */
  readonly imageFile: string;
  /** What `${NAME}` in the image file stands for: `NODE`, `ROOT`, `IDE`. */
  readonly placeholders: Readonly<Record<string, string>>;
  readonly volumes: Volumes;
}

const NOTICE =
  "Workspaces run as processes of your own account, without isolation from your files or from each other, and without limits of " +
  "CPU, memory and disk. Open only repositories that you trust.";

/**
 * Runs each task as a process group of this machine. There are no namespaces and no cgroups without root: CPU, memory, ephemeral
 * storage and architecture of the definition are not enforced, mounts are folders whose paths are written into the environment.
 */
export async function createProcessEngine(options: ProcessEngineOptions): Promise<Engine> {
  if (process.platform !== "linux") {
    throw new Error(
      "The process engine needs Linux: it follows tasks through /proc and gives each its own loopback address.",
    );
  }
  const temporary = options.stateDirectory ? undefined : await mkdtemp(path.join(tmpdir(), "atelier-tasks-"));
  const folder = options.stateDirectory ?? (temporary as string);
  const folders = new TaskFolders(path.join(folder, "ephemeral"), options.volumes);
  const output = new TaskOutput(path.join(folder, "output"), options.clock);
  const living = new Set<TaskProcesses>();
  const tools = { clock: options.clock, log: options.log, output, living };
  await output.open();

  return {
    name: "process",
    notice: NOTICE,
    async open(living) {
      // Not waited for: a large disk takes long to remove, and nobody needs its place now.
      folders.discardOthers(living).catch((error: unknown) => {
        options.log.warn("What earlier tasks left on disk could not be removed", { error: String(error) });
      });
    },
    async prepare(task) {
      const image = await findProcessImage(options.imageFile, task.image, options.placeholders);
      const ephemeral = await folders.ephemeral(task.taskId);
      const mounted = await Promise.all(
        task.mounts.map(async (mount) => [mount.containerPath, await folders.mount(mount)] as const),
      );
      const scratch = image.scratch === undefined ? [] : [[image.scratch, ephemeral] as const];
      const paths = new ContainerPaths([...mounted, ...scratch]);
      const [program, ...args] = commandOf(task, image.entrypoint).map((part) => paths.translate(part));
      if (program === undefined) throw new TaskStartError("CannotStartContainerError", "the image has no command");
      const command = {
        program,
        args,
        workingDirectory: task.workingDirectory === undefined ? ephemeral : paths.translate(task.workingDirectory),
        environment: paths.translateEnvironment({ ...image.environment, ...task.environment }),
      };
      return { start: () => startProcess(task, command, tools) };
    },
    adopt: async ({ marker, memento }) => adoptProcess(marker, memento as MainProcess | undefined, tools),
    endAtOnce() {
      for (const processes of living) processes.signalAll();
    },
    discard: (taskId) => folders.discard(taskId),
    async close() {
      output.close();
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    },
  };
}

/** As Docker joins them: the definition's entry point replaces the image's, its command is what follows. */
function commandOf(task: TaskSpec, entrypoint: readonly string[]): string[] {
  return [...(task.entryPoint ?? entrypoint), ...(task.command ?? [])];
}
