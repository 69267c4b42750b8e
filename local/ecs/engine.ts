/** What runs the tasks of the embedded Fargate. One folder an engine under `engines/`. */

/** A folder of the machine that a container sees at `containerPath`. */
export interface Mount {
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly source: { readonly accessPoint: string } | { readonly fileSystem: string; readonly directory: string };
}

/** One task, as an engine needs to know it. */
export interface TaskSpec {
  /** 32 hexadecimal digits. */
  readonly taskId: string;
  /** Value that no other process has in its environment: finds what belongs to the task, whatever became of the rest. */
  readonly marker: string;
  readonly image: string;
  readonly entryPoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly workingDirectory: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** The task's own loopback address, which stands for its network interface. */
  readonly address: string;
  /** CPU units (1,024 = one core) and MiB. */
  readonly cpu: number;
  readonly memory: number;
}

/** How a container ended: `exitCode` as Docker gives it (128 + signal), absent when it cannot be known any more. */
export interface TaskExit {
  readonly exitCode?: number;
  /** For people: the last lines that it wrote, where it ended at once. */
  readonly lastOutput?: string;
}

export interface RunningTask {
  /** JSON, kept with the task: what `adopt` needs to find it again in a later run of the program. */
  readonly memento: unknown;
  /** Fulfils once the container's main process has ended. Never rejects. */
  readonly exited: Promise<TaskExit>;
  /** Asks it to end (SIGTERM), ends it by force after `timeoutMs`; fulfils when nothing of it is left. */
  stop(timeoutMs: number): Promise<void>;
  /** Its living processes now. */
  inspect(): Promise<{ readonly processes: readonly number[] }>;
}

export interface PreparedTask {
  start(): Promise<RunningTask>;
}

export interface Engine {
  readonly name: string;
  /** What people must know before they use it; said once at start. */
  readonly notice: string | undefined;
  /** Why a task cannot be taken now (RunTask answers it as `failures`), `undefined` when it can. */
  refusal?(capacityProvider: "FARGATE" | "FARGATE_SPOT"): string | undefined;
  /**
   * Finds the image and makes the mounts; gives up when `signal` says that the task is to stop.
   * @throws TaskStartError, or anything after the signal
   */
  prepare(task: TaskSpec, signal: AbortSignal): Promise<PreparedTask>;
  /**
   * Finds a task of an earlier run of the program. `memento` is undefined when that run ended between start and the record of it.
   * @returns undefined when nothing of it lives
   */
  adopt(task: { taskId: string; marker: string; memento: unknown }): Promise<RunningTask | undefined>;
  /** Removes what a stopped task leaves behind (its ephemeral disk). */
  discard(taskId: string): Promise<void>;
  /** Ends all its tasks by force, before it returns: nobody waits any more. Of an engine whose tasks end by themselves: absent. */
  endAtOnce?(): void;
  /** Before the first task of this run; what tasks other than `living` left behind is removed. */
  open?(living: ReadonlySet<string>): Promise<void>;
  close?(): Promise<void>;
}

/** Why a task did not start; `code` as ECS begins its stopped reasons. */
export class TaskStartError extends Error {
  override readonly name = "TaskStartError";
  readonly code: "CannotPullContainerError" | "ResourceInitializationError" | "CannotStartContainerError";

  constructor(code: TaskStartError["code"], message: string, options?: { cause?: unknown }) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
