/** As many people as workspaces, each with a dashboard, and what they are shown. */
import type { ResultOf } from "#protocol/methods/index.ts";
import type { Item } from "../faults/memory-tables.ts";
import { rowOf } from "../faults/monitor.ts";
import { signIn, Tab } from "../faults/person.ts";
import { SeededRandom } from "../faults/seeded-random.ts";
import { ROOT_SECRET } from "../faults/world.ts";
import type { ScaleWorld } from "./scale-world.ts";

/** What is known of one run while it is watched. */
export interface Run {
  /** Milliseconds since 1970; absent while it has not come to it. */
  askedAt: number;
  launchedAt?: number;
  runningAt?: number;
  stoppedAt?: number;
  phase: string | undefined;
  why: string | undefined;
}

export class Crowd {
  readonly tabs = new Map<string, Tab>();
  /** By workspace. */
  readonly runs = new Map<string, Run>();
  /** Milliseconds of calls that people wait for, and of those of supervisors. */
  calls: number[] = [];
  posts: number[] = [];
  /** Milliseconds from a write to the dashboard that shows it, or what came after it. */
  pushes: number[] = [];
  /** Calls that ended with an error, by its text. */
  readonly errors = new Map<string, number>();
  /** What posts took while an instance started: its share of the control plane. */
  readonly postsOf = new Map<string, number>();
  readonly #world: ScaleWorld;
  /** Workspace → revision → when it was written. */
  readonly #written = new Map<string, Map<number, number>>();

  constructor(world: ScaleWorld) {
    this.#world = world;
    world.tables.watch = (before, after) => this.#onWrite(before, after);
    this.#timePosts();
  }

  async openTab(user: string): Promise<void> {
    const { clock, network, time } = this.#world;
    const tab: Tab = new Tab({
      clock: time,
      random: new SeededRandom("scale", user),
      network,
      cookie: await signIn(user, ROOT_SECRET, clock.now()),
      onSeen: (_tab, id, revision) => this.#onSeen(id, revision),
    });
    this.tabs.set(user, tab);
  }

  get connected(): number {
    return [...this.tabs.values()].filter(({ client }) => client.connection.state.peek() === "open").length;
  }

  /** Whether every dashboard shows what the table has. */
  get inStep(): boolean {
    return this.findDifference() === undefined;
  }

  findDifference(): string | undefined {
    for (const item of this.#world.tables.items()) {
      if (item.sk?.S !== "WORKSPACE") continue;
      const { id, ownerId, revision } = rowOf(item);
      const shown = this.tabs.get(ownerId)?.store.get(id)?.revision;
      if (this.tabs.has(ownerId) && shown !== revision)
        return `${ownerId} is shown revision ${shown} of ${id}, which has ${revision}`;
    }
    return undefined;
  }

  /** Calls as a dashboard does, and waits as long as a person does. */
  async call<M extends Parameters<Tab["client"]["call"]>[0]>(
    user: string,
    method: M,
    params: object,
  ): Promise<ResultOf<M> | undefined> {
    const { clock } = this.#world;
    const { client } = this.tabs.get(user) as Tab;
    const from = clock.now();
    try {
      return (await client.call(method, params as never)) as ResultOf<M>;
    } catch (error) {
      const text = `${method}: ${String(error)}`;
      this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
      return undefined;
    } finally {
      this.calls.push(clock.now() - from);
    }
  }

  #onWrite(before: Item | undefined, after: Item | undefined): void {
    const { meter, clock } = this.#world;
    meter.write(before, after);
    if (after?.sk?.S !== "WORKSPACE") return;
    const row = rowOf(after);
    const now = clock.now();
    if (before === undefined || after.revision?.N !== before.revision?.N) {
      const written = this.#written.get(row.id) ?? new Map<number, number>();
      this.#written.set(row.id, written.set(row.revision, now));
    }
    const run = this.runs.get(row.id) ?? {
      askedAt: row.instance?.requestedAt ?? now,
      phase: undefined,
      why: undefined,
    };
    this.runs.set(row.id, run);
    const { instance, phase } = row;
    if (instance && Object.keys((instance as unknown as { tasks: object }).tasks).length > 0) run.launchedAt ??= now;
    if (phase === "running") run.runningAt ??= now;
    if (phase === "stopped") run.stoppedAt ??= now;
    run.phase = phase;
    run.why = instance?.stop?.reason ?? instance?.failure?.message ?? instance?.gone?.reason;
  }

  #onSeen(id: string, revision: number): void {
    const written = this.#written.get(id);
    if (!written) return;
    const now = this.#world.clock.now();
    for (const [known, at] of written) {
      if (known > revision) continue;
      this.pushes.push(now - at);
      written.delete(known);
    }
  }

  #timePosts(): void {
    const { network, clock } = this.#world;
    const post = network.post.bind(network);
    network.post = async (headers, body) => {
      const from = clock.now();
      try {
        return await post(headers, body);
      } finally {
        const ms = clock.now() - from;
        if (body.includes('"instance.')) {
          this.posts.push(ms);
          const id = (/Bearer ([^.]+)\./.exec(headers.authorization ?? "") ?? /"instanceId":"([^"]+)"/.exec(body))?.[1];
          const workspace = id?.replace(/-r\d+$/, "") ?? "";
          if (this.runs.get(workspace)?.runningAt === undefined)
            this.postsOf.set(workspace, (this.postsOf.get(workspace) ?? 0) + ms);
        }
      }
    };
  }
}
