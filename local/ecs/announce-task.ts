import type { EventSink, ServiceContext } from "../service.ts";
import { eventDetail } from "./describe-task.ts";
import type { Task } from "./task.ts";
import type { Tasks } from "./tasks.ts";

/** Tells every change of a task: first on disk, then as an "ECS Task State Change" event, each task's in order. */
export class TaskAnnouncer {
  readonly #context: ServiceContext;
  readonly #tasks: Tasks;
  readonly #events: EventSink;
  readonly #last = new Map<string, Promise<void>>();

  constructor(context: ServiceContext, tasks: Tasks, events: EventSink) {
    this.#context = context;
    this.#tasks = tasks;
    this.#events = events;
  }

  /** Counts the task's version up. Resolves when the change is on disk and on the bus; never rejects. */
  announce(task: Task): Promise<void> {
    task.version += 1;
    task.updatedAt = this.#context.clock.now();
    return this.repeat(task);
  }

  /** The last change again, with the same version: nobody can say whether it arrived before the program ended. */
  repeat(task: Task): Promise<void> {
    const event = {
      source: "aws.ecs",
      "detail-type": "ECS Task State Change",
      resources: [task.taskArn],
      time: new Date(task.updatedAt).toISOString(),
      detail: structuredClone(eventDetail(task)),
    };
    const saved = this.#tasks.save(task).catch((error: unknown) => {
      // The event still goes out: what listens to it has a store of its own, which may be well.
      this.#context.log.error("The state of a task could not be written down", {
        task: task.taskArn,
        error: String(error),
      });
    });
    const told = Promise.all([this.#last.get(task.id), saved]).then(() => this.#events.put(event));
    this.#last.set(task.id, told);
    return told.finally(() => {
      if (this.#last.get(task.id) === told) this.#last.delete(task.id);
    });
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
