/** The people of a history: what they ask for, what they were told, and what their tabs show. */
import { parseInstanceId } from "#protocol/ids.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import type { Workspace } from "#protocol/workspace.ts";
import { Browser, type Proof, type Visit } from "./browser.ts";
import { GIT_HOST } from "./git-host.ts";
import type { Monitor, Row } from "./monitor.ts";
import { HOST_SUFFIX } from "./origins.ts";
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
  readonly browser: Browser;
  readonly tabs: Tab[];
  /** Ids of their workspaces, in the order in which they were made. */
  readonly workspaces: string[];
}

export class People {
  readonly identities: Identity[];
  /** Starts that were said to go on. */
  readonly accepted: { instanceId: string; user: string }[] = [];
  /** What opened doors, and may open none any more. */
  readonly proofs: Proof[] = [];
  /** URLs of sockets: each opens one. */
  readonly tickets: { url: string; cookie: string }[] = [];
  /** How visits to workspaces ended: status → how often. */
  readonly visits = new Map<string, number>();
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
      const browser = new Browser(
        world,
        () => people.#of(name).cookie,
        (proof) => people.proofs.push(proof),
      );
      people.#people.set(name, { name, cookie: "", signedOutAt: 0, browser, tabs: [], workspaces: [] });
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
      enter: () => this.#enter(person, nth, id),
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
      onTicket: (url) => this.tickets.push({ url, cookie: person.cookie }),
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

  /** By the button of the dashboard, at a port, by the workspace's own address, or at somebody else's. */
  #enter(person: Person, nth: number, id: string | undefined, patience = 10): void {
    const others = [...this.#people.values()].flatMap(({ name, workspaces }) =>
      name === person.name ? [] : workspaces,
    );
    const wanted = nth === 3 ? (others[0] ?? id) : id;
    if (wanted === undefined) return;
    const phase = this.#monitor.rows.get(wanted)?.phase;
    // As the start page, which goes in once it runs.
    if (phase !== undefined && phase !== "running" && patience > 0) {
      this.#world.outside.setTimeout(() => this.#enter(person, nth, wanted, patience - 1), 3_000);
      return;
    }
    if (nth >= 2) {
      this.#follow(person, `http://${wanted}${HOST_SUFFIX}/`, 0);
      return;
    }
    this.#call(person, "workspace.enter", { id: wanted, ...(nth === 1 ? { port: 3_000 } : {}) }, ({ url }) => {
      // Twice, as a reload does, at once or when its time may be over; only one may get in.
      for (const delayMs of nth === 0 ? [0, 0] : [20_000, 70_000]) this.#follow(person, url, delayMs);
    });
  }

  #follow(person: Person, url: string, delayMs: number): void {
    this.#world.outside.setTimeout(() => {
      person.browser.open(url).then(
        (visit) => this.#arrive(person, url, visit),
        (error: unknown) => this.#world.note("refused", `${url}: ${String(error)}`),
      );
    }, delayMs);
  }

  #arrive(person: Person, url: string, { status, instanceId, ticket }: Visit): void {
    this.visits.set(String(status), (this.visits.get(String(status)) ?? 0) + 1);
    if (ticket !== undefined) {
      const times = (this.#redeemed.get(ticket) ?? 0) + 1;
      this.#redeemed.set(ticket, times);
      if (times > 1) this.#monitor.violate(5, `a ticket for ${new URL(url).host} opened twice`);
    }
    const workspaceId = parseInstanceId(instanceId ?? "")?.workspaceId;
    const owner = this.#monitor.rows.get(workspaceId ?? "")?.ownerId;
    if (owner && owner !== person.name) this.#monitor.violate(5, `${person.name} got into ${instanceId} of ${owner}`);
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
