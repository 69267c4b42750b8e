import type { ServiceContext } from "../service.ts";
import type { TaskAnnouncer } from "./announce-task.ts";
import { type Engine, type RunningTask, type TaskExit, TaskStartError } from "./engine.ts";
import type { MetadataEndpoint } from "./metadata-endpoint.ts";
import type { NetworkInterfaces } from "./network-interfaces.ts";
import type { StopCode, Task, TaskStatus } from "./task.ts";
import type { TaskDefinitions } from "./task-definitions.ts";
import { stopTimeoutMs, taskSpec } from "./task-spec.ts";

/** What a left-over of an ended program gets to end by itself: people wait for the truth about it. */
const LEFTOVER_STOP_MS = 5_000;

/** The same when the program itself is to end: nobody waits two minutes for Ctrl-C, which is what Fargate would allow. */
const LAST_STOP_MS = 30_000;

export interface RunnerParts {
  readonly context: ServiceContext;
  readonly engine: Engine;
  readonly announcer: TaskAnnouncer;
  readonly definitions: TaskDefinitions;
  readonly interfaces: NetworkInterfaces;
  readonly metadata: MetadataEndpoint;
}

interface Life {
  readonly task: Task;
  readonly stopAsked: PromiseWithResolvers<void>;
  readonly preparing: AbortController;
  running?: RunningTask;
  /** Fulfils with STOPPED; never rejects. */
  ended: Promise<void>;
}

/** Leads tasks from PROVISIONING to STOPPED. A change of state happens when the engine did it, and never later. */
export class TaskRunner {
  readonly #parts: RunnerParts;
  readonly #lives = new Map<string, Life>();
  readonly #discarding = new Set<Promise<void>>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Starts a new task. Resolves when it is written down, so that no answered RunTask is forgotten. */
  begin(task: Task): Promise<void> {
    const life = this.#newLife(task);
    const announced = this.#parts.announcer.announce(task);
    life.ended = announced.then(() => this.#live(life)).catch((error: unknown) => this.#broken(task, error));
    return announced;
  }

  /** Asks a task to stop. The first reason stays; later calls change nothing. */
  requestStop(task: Task, stopCode: StopCode, reason: string): void {
    const life = this.#lives.get(task.id);
    if (life === undefined || task.desiredStatus === "STOPPED") return;
    this.#decideStop(task, stopCode, reason);
    // AWS says that a stop was asked for before anything of it has happened.
    void this.#parts.announcer.announce(task);
    life.stopAsked.resolve();
    life.preparing.abort();
  }

  /** Stops all tasks at once, after 30 s by force; resolves when all are STOPPED. */
  async endAll(reason: string): Promise<void> {
    const lives = [...this.#lives.values()];
    for (const { task } of lives) this.requestStop(task, "TerminationNotice", reason);
    const timer = this.#parts.context.clock.setTimeout(() => {
      for (const { running } of lives) void running?.stop(0);
    }, LAST_STOP_MS);
    await Promise.all(lives.map(({ ended }) => ended));
    timer.cancel();
    await Promise.allSettled(this.#discarding);
  }

  /** Ends what is left of a task that an earlier run of the program did not see to its end. */
  recover(task: Task, reason: string): Promise<void> {
    const life = this.#newLife(task);
    if (task.networkInterface !== undefined) this.#parts.interfaces.restore(task.networkInterface);
    life.ended = this.#endLeftover(task, reason).catch((error: unknown) => this.#broken(task, error));
    return life.ended;
  }

  #newLife(task: Task): Life {
    const stopAsked = Promise.withResolvers<void>();
    const life: Life = { task, stopAsked, preparing: new AbortController(), ended: Promise.resolve() };
    this.#lives.set(task.id, life);
    return life;
  }

  async #live(life: Life): Promise<void> {
    const { task, stopAsked, preparing } = life;
    const running = await this.#start(task, preparing.signal);
    if (running !== undefined) {
      life.running = running;
      const exit = await Promise.race([running.exited, stopAsked.promise]);
      if (exit !== undefined) this.#sawExit(task, exit);
      this.#enter(task, "DEACTIVATING");
      this.#enter(task, "STOPPING");
      // Also after an exit by itself: with its first process, everything in a container ends.
      await running.stop(stopTimeoutMs(this.#parts.definitions.find(task.taskDefinitionArn)));
      this.#sawExit(task, await running.exited);
    }
    this.#finish(task);
  }

  /** @returns undefined when it did not start, with the reason on the task */
  async #start(task: Task, signal: AbortSignal): Promise<RunningTask | undefined> {
    const { clock } = this.#parts.context;
    try {
      const definition = this.#parts.definitions.find(task.taskDefinitionArn);
      if (definition === undefined) throw new Error(`${task.taskDefinitionArn} is gone`);
      task.networkInterface = this.#parts.interfaces.attach(task);
      task.connectivityAt = clock.now();
      const metadataUrl = await this.#parts.metadata.add(task);
      if (stopping(task)) return undefined;
      this.#enter(task, "PENDING");
      task.pullStartedAt = clock.now();
      const prepared = await this.#parts.engine.prepare(taskSpec(task, definition, metadataUrl), signal);
      task.pullStoppedAt = clock.now();
      if (stopping(task)) return undefined;
      this.#enter(task, "ACTIVATING");
      const running = await prepared.start();
      task.memento = running.memento;
      task.startedAt = clock.now();
      task.container.lastStatus = "RUNNING";
      this.#enter(task, "RUNNING");
      return running;
    } catch (error) {
      task.pullStoppedAt ??= clock.now();
      if (stopping(task)) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof TaskStartError)) {
        this.#parts.context.log.error("A task could not be started", { task: task.taskArn, reason });
      }
      this.#decideStop(task, "TaskFailedToStart", reason);
      return undefined;
    }
  }

  #sawExit(task: Task, exit: TaskExit): void {
    if (task.executionStoppedAt !== undefined) return;
    task.executionStoppedAt = this.#parts.context.clock.now();
    task.container.lastStatus = "STOPPED";
    if (exit.exitCode !== undefined) task.container.exitCode = exit.exitCode;
    if (stopping(task)) return;
    const detail = exit.lastOutput === undefined ? "" : `: ${exit.lastOutput}`;
    this.#decideStop(task, "EssentialContainerExited", `Essential container in task exited${detail}`);
  }

  async #endLeftover(task: Task, reason: string): Promise<void> {
    if (!stopping(task)) this.#decideStop(task, "TerminationNotice", reason);
    const { taskArn, id: taskId, metadataToken: marker, memento } = task;
    const running = await this.#parts.engine.adopt({ taskId, marker, memento });
    if (running !== undefined) {
      this.#parts.context.log.info("A task of an earlier run is ended", { task: taskArn });
      this.#enter(task, "STOPPING");
      await running.stop(LEFTOVER_STOP_MS);
      this.#sawExit(task, await running.exited);
    }
    this.#finish(task);
  }

  #finish(task: Task): void {
    task.container.lastStatus = "STOPPED";
    task.executionStoppedAt ??= this.#parts.context.clock.now();
    this.#enter(task, "DEPROVISIONING");
    this.#parts.metadata.remove(task);
    if (task.networkInterface !== undefined) this.#parts.interfaces.detach(task.networkInterface.id);
    this.#discard(task);
    task.stoppedAt = this.#parts.context.clock.now();
    this.#enter(task, "STOPPED");
    this.#lives.delete(task.id);
  }

  /** Behind the task's end: removing a large disk can take long, and nobody waits for it. */
  #discard(task: Task): void {
    const discarded = this.#parts.engine
      .discard(task.id)
      .catch((error: unknown) => {
        this.#parts.context.log.warn("What a task left on disk could not be removed", {
          task: task.taskArn,
          error: String(error),
        });
      })
      .finally(() => this.#discarding.delete(discarded));
    this.#discarding.add(discarded);
  }

  #decideStop(task: Task, stopCode: StopCode, reason: string): void {
    task.desiredStatus = "STOPPED";
    task.stopCode = stopCode;
    task.stoppedReason = reason;
    task.stoppingAt = this.#parts.context.clock.now();
  }

  #enter(task: Task, status: TaskStatus): void {
    task.lastStatus = status;
    void this.#parts.announcer.announce(task);
  }

  /** A defect of an engine must not leave a task that never ends. */
  #broken(task: Task, error: unknown): void {
    this.#parts.context.log.error("The engine failed", { task: task.taskArn, error: String(error) });
    if (!stopping(task)) this.#decideStop(task, "TaskFailedToStart", `The engine failed: ${String(error)}`);
    if (task.lastStatus !== "STOPPED") this.#finish(task);
  }
}

function stopping(task: Task): boolean {
  return task.desiredStatus === "STOPPED";
}
