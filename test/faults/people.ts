/** The people of a history: what they ask for, what they were told, and what their tabs show. */
import type { ResultOf } from "#protocol/methods/index.ts";
import { TICKET_PARAMETER } from "#protocol/route-token.ts";
import type { Workspace } from "#protocol/workspace.ts";
import { GIT_HOST } from "./git-host.ts";
import type { Monitor, Row } from "./monitor.ts";
import { signIn, Tab } from "./person.ts";
import { type Action, type ActionName, type History, USERS } from "./plan-history.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { Identity } from "./supervisor.ts";
import { ROOT_SECRET, type World } from "./world.ts";

const HOUR_MS = 3_600_000;
/** So many of one person are a crowd. */
const MANY_TABS = 8;

interface Person {
  readonly name: string;
  cookie: string;
  /** When the cookie is good for nothing. */
  signedOutAt: number;
  readonly tabs: Tab[];
  /** Ids of their workspaces, in the order in which they were made. */
  readonly workspaces: string[];
}

export class People {
  readonly identities: Identity[];
  /** Starts that were said to go on. */
  readonly accepted: { instanceId: string; user: string }[] = [];
  /** Calls that are not answered yet. */
  pending = 0;
  readonly #world: World;
  readonly #monitor: Monitor;
  readonly #random: SeededRandom;
  readonly #people = new Map<string, Person>();
  readonly #shown = new WeakMap<Tab, Map<string, number>>();
  readonly #redeemed = new Map<string, number>();
  #requests = 0;

  private constructor(world: World, monitor: Monitor, seed: number, identities: Identity[]) {
    this.#world = world;
    this.#monitor = monitor;
    this.#random = new SeededRandom(seed, "people");
    this.identities = identities;
  }

  static async arrive(world: World, monitor: Monitor, history: History, identities: Identity[]): Promise<People> {
    const people = new People(world, monitor, history.seed, identities);
    for (const name of USERS) {
      const ends = history.actions.find((action) => action.name === "session ends" && action.user === name);
      people.#people.set(name, { name, cookie: "", signedOutAt: 0, tabs: [], workspaces: [] });
      await people.#signIn(people.#of(name), ends?.atMs);
    }
    return people;
  }

  /** Everybody whose session is over signs in again. */
  async comeBack(): Promise<void> {
    for (const person of this.#people.values()) {
      if (person.signedOutAt - this.#world.clock.now() < HOUR_MS) await this.#signIn(person);
    }
  }

  /** In every tab that is open; the page is loaded anew. */
  async #signIn(person: Person, lastsMs = 12 * HOUR_MS): Promise<void> {
    const now = this.#world.clock.now();
    // A cookie knows whole seconds only.
    person.signedOutAt = Math.floor((now + lastsMs) / 1_000) * 1_000;
    person.cookie = await signIn(person.name, ROOT_SECRET, now, person.signedOutAt);
    const tabs = person.tabs.splice(0);
    for (const tab of tabs) tab.close();
    for (let opened = 0; opened < Math.max(1, tabs.length); opened += 1) this.#openTab(person);
  }

  act({ name, user, nth, ms }: Action): void {
    const person = this.#of(user);
    const tab = person.tabs[nth % Math.max(1, person.tabs.length)];
    const id = person.workspaces[nth % Math.max(1, person.workspaces.length)];
    const act: Record<ActionName, () => void> = {
      create: () => this.#create(person),
      start: () => {
        if (id) this.#call(person, "workspace.start", { id }, ({ workspace }) => this.#accept(person, workspace));
      },
      stop: () => {
        if (id) this.#call(person, "workspace.stop", { id });
      },
      delete: () => {
        if (id) this.#call(person, "workspace.delete", { id });
      },
      enter: () => {
        if (id) this.#call(person, "workspace.enter", { id }, ({ url }) => this.#enter(url, nth));
      },
      "open tab": () => this.#openTab(person),
      "close tab": () => {
        tab?.close();
        if (tab) person.tabs.splice(person.tabs.indexOf(tab), 1);
      },
      cut: () => tab?.cut(),
      storm: () => {
        while (person.tabs.length < MANY_TABS) this.#openTab(person);
        // When all of them are connected.
        this.#world.outside.setTimeout(() => this.#world.network.storm(ms), 5_000);
      },
      "session ends": () => undefined,
      "sign in": () => this.#world.clock.hold(this.#signIn(person)),
      sleep: () => tab?.sleep(ms * 5),
      "go away": () => {
        if (id) this.#world.uses.leave(id, this.#world.clock.now());
      },
      "come back": () => {
        if (id) this.#world.uses.comeBack(id);
      },
      "kill cloud": () => undefined,
    };
    act[name]();
  }

  deleteAll(): void {
    for (const row of this.#monitor.rows.values())
      this.#call(this.#of(row.ownerId), "workspace.delete", { id: row.id });
  }

  leave(): void {
    for (const { tabs } of this.#people.values()) for (const tab of tabs) tab.close();
  }

  /** In a tab whose person is signed in. */
  shown(user: string, id: string): Workspace | undefined {
    return this.#of(user)
      .tabs.find(({ session }) => session?.state.peek().kind === "signed-in")
      ?.store.get(id);
  }

  /** @returns where a tab shows something else than the table holds */
  findDifference(rows: ReadonlyMap<string, Row>): string | undefined {
    const now = this.#world.clock.now();
    for (const { name, tabs, signedOutAt } of this.#people.values()) {
      const expected = [...rows.values()].filter((row) => row.ownerId === name && !row.isDeleted);
      for (const [index, { client, store, session }] of tabs.entries()) {
        const who = `tab ${index} of ${name} (its socket is ${client.connection.state.peek()})`;
        const says = session?.state.peek().kind;
        // It shows nothing, and so nothing that is false.
        if (says === "signed-out" && now >= signedOutAt) continue;
        if (says !== "signed-in") return `${who} says that ${name} is ${says}`;
        const list = store.list.peek();
        const wrong = expected.find((row) => store.get(row.id)?.revision !== row.revision);
        if (wrong)
          return `${who} shows revision ${store.get(wrong.id)?.revision} of ${wrong.id}, which has ${wrong.revision}`;
        if (list.length !== expected.length) return `${who} shows ${list.length} workspaces of ${expected.length}`;
      }
    }
    return undefined;
  }

  #of(name: string): Person {
    return this.#people.get(name) as Person;
  }

  #openTab(person: Person): void {
    const tab: Tab = new Tab({
      clock: this.#world.outside,
      random: new SeededRandom(this.#random.uint32(), "tab"),
      network: this.#world.network,
      cookie: person.cookie,
      hasSession: true,
      onSeen: (seenBy, id, revision, workspace) => this.#see(seenBy, id, revision, workspace),
    });
    person.tabs.push(tab);
  }

  #see(tab: Tab, id: string, revision: number, workspace: Workspace | undefined): void {
    const shown = this.#shown.get(tab) ?? new Map<string, number>();
    this.#shown.set(tab, shown);
    const before = shown.get(id) ?? 0;
    if (revision < before) this.#monitor.violate(3, `a tab showed revision ${before} of ${id}, and then ${revision}`);
    if (workspace && before === Number.POSITIVE_INFINITY)
      this.#monitor.violate(3, `${id} was gone, and is shown again`);
    shown.set(id, workspace ? revision : Number.POSITIVE_INFINITY);
  }

  #create(person: Person): void {
    this.#requests += 1;
    const params = { contextUrl: `https://${GIT_HOST}/acme/shop`, requestId: `request-${this.#requests}` };
    this.#call(person, "workspace.create", params, ({ workspace }) => {
      if (!person.workspaces.includes(workspace.id)) person.workspaces.push(workspace.id);
      this.#accept(person, workspace);
    });
  }

  #accept(person: Person, { instance }: Workspace): void {
    if (instance) this.accepted.push({ instanceId: instance.id, user: person.name });
  }

  /** Follows the URL twice, as a reload does; only one may get in. */
  #enter(url: string, nth: number): void {
    const ticket = new URL(url).searchParams.get(TICKET_PARAMETER) ?? "";
    const { host } = new URL(url);
    for (const delayMs of [0, nth % 2 === 0 ? 0 : 500]) {
      this.#world.outside.setTimeout(() => {
        for (const { bearer, instanceId } of this.identities) {
          if (!host.startsWith(instanceId.replace(/-r\d+$/, ""))) continue;
          void this.#redeem(ticket, host, bearer);
        }
      }, delayMs);
    }
  }

  async #redeem(ticket: string, host: string, bearer: string): Promise<void> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "instance.redeem", params: { ticket, host } });
    try {
      const answer = await this.#world.network.post({ authorization: `Bearer ${bearer}` }, body);
      if (!answer.body.includes('"result"')) return;
    } catch {
      return;
    }
    const times = (this.#redeemed.get(ticket) ?? 0) + 1;
    this.#redeemed.set(ticket, times);
    if (times > 1) this.#monitor.violate(5, `a ticket for ${host} opened twice`);
  }

  #call<M extends Parameters<Tab["client"]["call"]>[0]>(
    person: Person,
    method: M,
    params: object,
    then: (result: ResultOf<M>) => void = () => undefined,
  ): void {
    if (person.tabs.length === 0) this.#openTab(person);
    this.pending += 1;
    const { client } = person.tabs[0] as Tab;
    const asked = client.call(method, params as never) as Promise<ResultOf<M>>;
    asked
      .then(then, (error: unknown) => this.#world.note("refused", `${method}: ${String(error)}`))
      .finally(() => {
        this.pending -= 1;
      });
  }
}
