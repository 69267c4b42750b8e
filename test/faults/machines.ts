/** What Fargate's machines are in a history: containers that outlast the cloud, their volumes, and the engine that a cloud drives them by. */
import { type Engine, type RunningTask, type TaskExit, type TaskSpec, TaskStartError } from "#local/ecs/engine.ts";
import type { Clock } from "#local/service.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import type { Fault, FaultInjector } from "./faults.ts";
import type { GateAnswer, GateRequest } from "./gate.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A container that runs. */
export interface Container {
  readonly spec: TaskSpec;
  readonly instanceId: string;
  readonly fault: Fault | undefined;
  /** Of its volume. */
  readonly directory: string;
  readonly isRunning: boolean;
  exit(code: number, lastOutput?: string): void;
  /** A request that reached its address. */
  visit(request: GateRequest): Promise<GateAnswer>;
}

/** The program inside: it is told when it is to end. */
export interface Program {
  terminate(): void;
  answer(request: GateRequest): Promise<GateAnswer>;
  /** Nothing of it goes on. */
  ended?(): void;
}

export interface MachinesParts {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly faults: FaultInjector;
  /** Starts what is in the image. */
  boot(container: Container): Program;
}

interface Life extends Container {
  program: Program | undefined;
  readonly exits: ((exit: TaskExit) => void)[];
  ended: TaskExit | undefined;
}

export class Machines {
  readonly #parts: MachinesParts;
  readonly #lives = new Map<string, Life>();
  /** Directory → file → content. */
  readonly volumes = new Map<string, Map<string, string>>();
  /** Workspace → directory of the volume that its tasks mounted. */
  readonly directories = new Map<string, string>();
  onBegin: (container: Container) => void = () => undefined;

  constructor(parts: MachinesParts) {
    this.#parts = parts;
  }

  get running(): Container[] {
    return [...this.#lives.values()].filter(({ isRunning }) => isRunning);
  }

  /** @param folderOf where an access point's directory is @param isLive whether the cloud that asks is there still */
  engine(folderOf: (accessPoint: string) => Promise<string>, isLive: () => boolean): Engine {
    const { random, faults } = this.#parts;
    let refusing = 0;
    return {
      name: "simulated",
      notice: undefined,
      refusal: () => {
        const fault = faults.at("run-task");
        if (fault) refusing = fault.times;
        if (refusing === 0 || faults.isOver) return undefined;
        refusing -= 1;
        return "Capacity is unavailable at this time. Please try again later or in a different availability zone";
      },
      prepare: async (spec, signal) => {
        const fault = faults.at("task");
        const pullMs = fault?.name === "slow start" ? 60_000 + fault.ms * 10 : random.between(1_500, 9_000);
        await this.#wait(fault?.name === "never starts" ? Number.POSITIVE_INFINITY : pullMs, signal);
        if (fault?.name === "image not found") throw new TaskStartError("CannotPullContainerError", "not found");
        const mount = spec.mounts.find(({ containerPath }) => containerPath === "/workspace");
        if (mount === undefined || !("accessPoint" in mount.source)) throw new Error("A task without its volume.");
        const directory = (await folderOf(mount.source.accessPoint)).split("/").at(-1) ?? "";
        return {
          start: async () => {
            await this.#wait(random.between(50, 500));
            if (!isLive()) throw new Error("This cloud has ended.");
            return this.#handle(this.#begin(spec, directory, fault), isLive);
          },
        };
      },
      adopt: async ({ taskId }) => {
        const life = this.#lives.get(taskId);
        return life?.isRunning ? this.#handle(life, isLive) : undefined;
      },
      discard: async () => undefined,
    };
  }

  #begin(spec: TaskSpec, directory: string, fault: Fault | undefined): Life {
    if (!this.volumes.has(directory)) this.volumes.set(directory, new Map());
    const life: Life = {
      spec,
      directory,
      fault,
      instanceId: spec.environment.ATELIER_INSTANCE_ID ?? "",
      program: undefined,
      exits: [],
      ended: undefined,
      get isRunning() {
        return life.ended === undefined;
      },
      async visit(request) {
        if (!life.isRunning || !life.program) throw new Error("connection refused");
        return life.program.answer(request);
      },
      exit(exitCode, lastOutput) {
        if (life.ended) return;
        life.ended = { exitCode, ...(lastOutput === undefined ? {} : { lastOutput }) };
        life.program?.ended?.();
        for (const tell of life.exits.splice(0)) tell(life.ended);
      },
    };
    this.#lives.set(spec.taskId, life);
    this.directories.set(parseInstanceId(life.instanceId)?.workspaceId ?? "", directory);
    this.onBegin(life);
    life.program = this.#parts.boot(life);
    return life;
  }

  #handle(life: Life, isLive: () => boolean): RunningTask {
    const { clock, random } = this.#parts;
    const exited = new Promise<TaskExit>((resolve) => {
      const tell = (exit: TaskExit): void => {
        if (isLive()) resolve(exit);
      };
      if (life.ended) tell(life.ended);
      else life.exits.push(tell);
    });
    return {
      memento: {},
      exited,
      async stop(timeoutMs) {
        if (!life.isRunning) return;
        clock.setTimeout(() => life.exit(137), timeoutMs);
        // SIGTERM takes a moment; a program that hangs is ended by force.
        if (life.fault?.name !== "ignores SIGTERM")
          clock.setTimeout(() => life.program?.terminate(), random.between(5, 100));
        await exited;
      },
      inspect: async () => ({ processes: [] }),
    };
  }

  #wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      if (Number.isFinite(ms)) this.#parts.clock.setTimeout(resolve, ms);
    });
  }
}
