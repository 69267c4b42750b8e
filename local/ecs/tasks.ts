import path from "node:path";
import { openRecords, type RecordStore } from "../record-store.ts";
import type { ServiceContext } from "../service.ts";
import { STOPPED_TASK_RETENTION_MS } from "./limits.ts";
import type { Task } from "./task.ts";

/** Every task that runs or has stopped within the hour. */
export class Tasks {
  readonly #context: ServiceContext;
  readonly #records: RecordStore<Task>;
  #forgetNextAt = 0;

  static async open(context: ServiceContext): Promise<Tasks> {
    const folder = context.stateDirectory && path.join(context.stateDirectory, "tasks");
    // A task does not outlast a loss of power, so its record need not; each of its states would wait for the disk otherwise.
    return new Tasks(context, await openRecords(folder, { isDurable: false }));
  }

  private constructor(context: ServiceContext, records: RecordStore<Task>) {
    this.#context = context;
    this.#records = records;
  }

  /** In the order in which they were made. */
  all(): readonly Task[] {
    this.#forgetOld();
    return [...this.#records.values.values()];
  }

  /** @param reference id or ARN */
  find(reference: string): Task | undefined {
    this.#forgetOld();
    return this.#records.get(reference.slice(reference.lastIndexOf("/") + 1));
  }

  /** The tasks that a RunTask call with this token made. */
  startedWith(clientToken: string, clusterArn: string): readonly Task[] {
    return this.all().filter((task) => task.clientToken === clientToken && task.clusterArn === clusterArn);
  }

  save(task: Task): Promise<void> {
    return this.#records.put(task.id, task);
  }

  settled(): Promise<void> {
    return this.#records.settled();
  }

  /** At most once a minute: it looks at every task. */
  #forgetOld(): void {
    const now = this.#context.clock.now();
    if (now < this.#forgetNextAt) return;
    this.#forgetNextAt = now + 60_000;
    const oldest = now - STOPPED_TASK_RETENTION_MS;
    for (const [id, task] of this.#records.values) {
      if (task.stoppedAt === undefined || task.stoppedAt >= oldest) continue;
      this.#records
        .delete(id)
        .catch((error: unknown) => this.#context.log.warn("A stopped task's record stays", { error: String(error) }));
    }
  }
}
