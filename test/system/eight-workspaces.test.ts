/** Eight workspaces at once: nothing of one can be reached through another's origin or through the API. */
import { createHash, createHmac } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GitServer } from "../git-server.ts";
import { type Answer, eventually, Person, send, type WireWorkspace } from "../person.ts";
import { serveShop } from "../shop-repository.ts";
import { useAtelier } from "../use-atelier.ts";
import {
  allProcesses,
  descendantsOf,
  filesUnder,
  filesWith,
  findSupervisor,
  isLog,
  listeningAddresses,
} from "./look-at-processes.ts";
import { type InsideServer, serveInside } from "./serve-inside.ts";

const stage = useAtelier();

interface Place {
  readonly owner: Person;
  readonly id: string;
  readonly instanceId: string;
  /** `<id>.ws.localhost:<port>` */
  readonly host: string;
  readonly token: string;
  /** Of its supervisor: `127.x.y.z:22999`. */
  readonly gate: string;
}

const SUPERVISOR_PORT = 22_999;
/** Everything secret that was seen: it may stand in no log, argument or environment of a child. */
const secrets: string[] = [];
const insides: InsideServer[] = [];
let people: { ada: Person; eve: Person; zoe: Person };
let places: Place[] = [];
let first: Place;
let second: Place;

beforeAll(async () => {
  const [ada, eve, zoe] = await Promise.all(
    ["ada", "eve", "zoe"].map((name) => Person.signIn(stage.atelier.origin, name)),
  );
  people = { ada, eve, zoe } as typeof people;
  for (const person of Object.values(people)) secrets.push(person.jar.get("localhost", "atelier_session") as string);
  const shop = `${stage.git.url}/acme/shop.git`;
  const wanted: [Person, string][] = [
    [people.ada, shop],
    [people.ada, shop],
    [people.ada, `${shop}/tree/feature/cart`],
    [people.ada, `${stage.git.url}/acme/empty.git`],
    [people.eve, shop],
    [people.eve, `${stage.git.url}/acme/empty.git`],
    [people.zoe, shop],
    [people.zoe, `${shop}/tree/feature/cart`],
  ];
  places = await Promise.all(wanted.map(([owner, url]) => open(owner, url)));
  [first, second] = places as [Place, Place];
}, 240_000);

afterAll(async () => {
  await Promise.all(insides.map((inside) => inside.stop()));
});

async function open(owner: Person, url: string): Promise<Place> {
  const { id } = await owner.create(url);
  const { instance } = await owner.until(id, ["running", "stopped"], 200_000);
  expect(instance?.phase, JSON.stringify(instance)).toBe("running");
  const page = await owner.enter(id);
  const { host, hostname } = new URL(page.url);
  const token = owner.jar.get(hostname, "atelier_route") as string;
  expect([page.status, typeof token]).toEqual([200, "string"]);
  secrets.push(token);
  const instanceId = instance?.id as string;
  const supervisor = findSupervisor(instanceId);
  const gate = listeningAddresses(supervisor?.pid as number).find((at) => at.endsWith(`:${SUPERVISOR_PORT}`)) as string;
  return { owner, id, instanceId, host, token, gate };
}

const viaEdge = (host: string, headers: Record<string, string>, path = "/", method = "GET") =>
  send(`http://${host}${path}`, { method, headers });

/** Past the edge, straight to the address on which a supervisor listens. */
const atGate = (gate: string, host: string, token: string) =>
  send(`http://${gate}/`, { headers: { host, "x-atelier-route": token } });

/** Status of the answer to a WebSocket's handshake, and its headers. */
function handshake(
  host: string,
  headers: Record<string, string>,
  path = "/",
): Promise<Pick<Answer, "status" | "headers">> {
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const all = {
    host,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": key,
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port: stage.atelier.port, path, headers: all, agent: false });
    outgoing.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: response.headers });
    });
    outgoing.on("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

const pairs = () => places.flatMap((from) => places.filter((to) => to !== from).map((to) => [from, to] as const));

describe("a route token", () => {
  it("opens its own workspace, at the edge and at its supervisor", async () => {
    for (const { host, token, gate } of places) {
      expect((await viaEdge(host, { cookie: `atelier_route=${token}` })).status).toBe(200);
      expect((await atGate(gate, host, token)).status).toBe(200);
    }
  });

  it("of one workspace opens none of the seven others, whoever owns them", async () => {
    for (const [from, to] of pairs()) {
      const statuses = await Promise.all([
        viaEdge(to.host, { cookie: `atelier_route=${from.token}` }),
        viaEdge(to.host, { "x-atelier-route": from.token }),
        atGate(to.gate, to.host, from.token),
        // The right token for that host, but brought to somebody else's supervisor.
        atGate(to.gate, from.host, from.token),
      ]);
      expect(statuses.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    }
  });

  it("counts at the edge as a cookie only, never as a header that somebody wrote", async () => {
    expect((await viaEdge(first.host, { "x-atelier-route": first.token })).status).toBe(401);
    const both = { cookie: `atelier_route=${first.token}`, "x-atelier-route": second.token };
    expect((await viaEdge(first.host, both)).status).toBe(200);
  });

  it("is refused when anything of it is changed", async () => {
    const [payload = "", edge = "", supervisor = ""] = first.token.split(".");
    const fields = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const forged = [
      { ...fields, h: second.host, i: second.instanceId },
      { ...fields, e: 9_999_999_999 },
      { ...fields, o: "evil.example" },
    ].map((changed) => Buffer.from(JSON.stringify(changed)).toString("base64url"));
    const ownKey = (text: string) => createHmac("sha256", "").update(text).digest("base64url");
    const tokens = [
      ...forged.map((text) => `${text}.${edge}.${supervisor}`),
      ...forged.map((text) => `${text}.${ownKey(text)}.${supervisor}`),
      `${payload}.${edge}`,
      `${payload}..${supervisor}`,
      `${payload}.${edge}.${supervisor}.x`,
    ];
    for (const token of tokens) {
      for (const { host, gate } of [first, second]) {
        expect((await viaEdge(host, { cookie: `atelier_route=${token}` })).status).toBe(401);
        const direct = await atGate(gate, host, token);
        // The supervisor looks at its own proof only: an absent edge proof is the edge's to refuse.
        if (!(host === first.host && token === `${payload}..${supervisor}`)) expect(direct.status).toBe(401);
      }
    }
  });

  it("opens no other name of the same workspace", async () => {
    const port = `3000-${first.host}`;
    expect((await viaEdge(port, { cookie: `atelier_route=${first.token}` })).status).toBe(401);
    expect((await atGate(first.gate, port, first.token)).status).toBe(401);
  });
});

describe("a page of a sibling", () => {
  it("can send nothing that changes something, and open no socket, even with the cookie that its browser sends along", async () => {
    const cookie = `atelier_route=${first.token}`;
    for (const origin of [`http://${second.host}`, `http://3000-${first.host}`, stage.atelier.origin, "null"]) {
      for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
        expect((await viaEdge(first.host, { cookie, origin }, "/", method)).status).toBe(403);
      }
      expect((await handshake(first.host, { cookie, origin }, "/?reconnectionToken=x")).status).toBe(403);
    }
    expect((await handshake(first.host, { cookie })).status).toBe(403);
    expect(
      (await handshake(first.host, { cookie, origin: `http://${first.host}` }, "/?reconnectionToken=x")).status,
    ).toBe(101);
  });

  it("can read nothing by script, image or frame", async () => {
    const cookie = `atelier_route=${first.token}`;
    for (const site of ["same-site", "cross-site"]) {
      for (const mode of ["no-cors", "cors", "same-origin"]) {
        const headers = { cookie, "sec-fetch-site": site, "sec-fetch-mode": mode };
        expect((await viaEdge(first.host, headers)).status).toBe(403);
      }
      const frame = { cookie, "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" };
      expect((await viaEdge(first.host, frame)).status).toBe(403);
    }
  });

  it("changes nothing for others by names that every object has", async () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      await send(`${stage.atelier.origin}/?${name}=x`, { headers: { cookie: `${name}=x` } });
      await viaEdge(second.host, { cookie: `${name}=x; atelier_route=${second.token}` }, `/?${name}=x`);
      expect((await viaEdge(first.host, { cookie: `atelier_route=${first.token}` })).status).toBe(200);
    }
    expect((await people.ada.call<{ id: string }>("user.me")).id).toMatch(/^u-/);
  });
});

describe("a port of a workspace", () => {
  let inside: InsideServer;
  let url: string;
  let cookie: string;

  beforeAll(async () => {
    inside = await serveInside(first.instanceId);
    insides.push(inside);
    const page = await first.owner.enter(first.id, inside.port);
    expect(page.status, page.body).toBe(200);
    url = page.url;
    const token = first.owner.jar.get(new URL(url).hostname, "atelier_route") as string;
    secrets.push(token);
    cookie = `atelier_route=${token}`;
  });

  it("is reached with a token for exactly its host", async () => {
    const { host } = new URL(url);
    expect(host).toBe(`${inside.port}-${first.host}`);
    expect((await viaEdge(host, { cookie })).status).toBe(200);
    expect((await viaEdge(host, {})).status).toBe(401);
    for (const { token } of places)
      expect((await viaEdge(host, { cookie: `atelier_route=${token}` })).status).toBe(401);
    expect((await viaEdge(first.host, { cookie })).status).toBe(401);
    expect((await viaEdge(`${inside.port}-${second.host}`, { cookie })).status).toBe(401);
  });

  it("sees neither cookie nor header of Atelier, and sets none, over HTTP and over a socket", async () => {
    const { host } = new URL(url);
    const noisy = { cookie: `a=1; ${cookie}; ATELIER_ROUTE=x; __Host-atelier_route=x; b=2`, "x-atelier-other": "1" };
    const answer = await viaEdge(host, noisy);
    const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
    expect(headers.cookie).toBe("a=1; b=2");
    expect(Object.keys(headers).filter((name) => name.startsWith("x-atelier"))).toEqual([]);
    expect(answer.headers["set-cookie"]).toEqual(["theme=dark"]);
    const joined = await handshake(host, { ...noisy, origin: `http://${host}` });
    expect(joined.status).toBe(101);
    const seen = JSON.parse(String(joined.headers["x-seen"])) as Record<string, string>;
    expect(seen.cookie).toBe("a=1; b=2");
    expect(JSON.stringify(seen)).not.toMatch(/atelier-|atelier_route/i);
  });

  it("is reached through no sibling, and neither is anything else of the machine", async () => {
    for (const place of [second, places[4] as Place]) {
      for (const port of [inside.port, stage.atelier.port, SUPERVISOR_PORT]) {
        const page = await place.owner.enter(place.id, port);
        expect([page.status, page.body]).toEqual([503, expect.stringContaining(`Nothing listens on port ${port} yet`)]);
      }
    }
  });
});

describe("the API", () => {
  it("knows nobody's workspaces but a person's own", async () => {
    const { eve } = people;
    const ownIds = places.filter(({ owner }) => owner === eve).map(({ id }) => id);
    const { workspaces } = await eve.call<{ workspaces: WireWorkspace[] }>("workspace.list");
    expect(workspaces.map(({ id }) => id).sort()).toEqual(ownIds.sort());
    for (const { id } of places.filter(({ owner }) => owner !== eve)) {
      for (const method of ["get", "start", "stop", "delete", "enter"]) {
        await expect(eve.call(`workspace.${method}`, { id }), method).rejects.toMatchObject({ kind: "NOT_FOUND" });
      }
    }
  });

  it("pushes nothing of a workspace to somebody else's socket", async () => {
    const { ada, zoe } = people;
    const [hers, his] = await Promise.all([zoe.openSocket(), ada.openSocket()]);
    const { id } = await ada.create(`${stage.git.url}/acme/empty.git`);
    await ada.call("workspace.delete", { id });
    await eventually("his push", () => his.notifications.some(({ method }) => method === "workspace.deleted"));
    // Answered after the pushes, over the same socket.
    await hers.call("user.me");
    expect(JSON.stringify(hers.notifications)).not.toContain(id);
    for (const socket of [hers, his]) socket.close();
  });

  it("takes no session cookie that it did not sign", async () => {
    const session = people.ada.jar.get("localhost", "atelier_session") as string;
    const [header = "", payload = "", signature = ""] = session.split(".");
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const { kid } = JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string };
    const signed = (head: object, key: string) => {
      const text = `${encode(head)}.${payload}`;
      return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
    };
    const forged = [
      `${header}.${encode({ ...claims, sub: "u-somebody" })}.${signature}`,
      `${encode({ alg: "none", kid })}.${payload}.`,
      signed({ alg: "HS256", kid }, ""),
      signed({ alg: "HS256", kid: "9" }, "x"),
      signed({ alg: "HS256", kid: "../1" }, "x"),
      signed({ alg: "HS256" }, ""),
      `${header}.${payload}`,
      "nonsense",
    ];
    for (const cookie of forged) expect(await errorOf(cookie)).toBe("UNAUTHENTICATED");
    expect(await errorOf(session)).toBeUndefined();
  });

  it("lets a socket ticket work once, from the dashboard's own origin only", async () => {
    const host = `localhost:${stage.atelier.port}`;
    const origin = stage.atelier.origin;
    const ticketPath = async () => {
      const { ticket } = await people.ada.call<{ ticket: string }>("socket.ticket");
      secrets.push(ticket);
      return `/socket?ticket=${ticket}`;
    };
    const path = await ticketPath();
    for (const wrong of [
      `http://${first.host}`,
      "http://evil.example",
      "null",
      `http://localhost:${stage.atelier.port + 1}`,
    ]) {
      expect((await handshake(host, { origin: wrong }, path)).status).toBe(403);
    }
    expect((await handshake(host, {}, path)).status).toBe(403);
    expect((await handshake(host, { origin }, path)).status).toBe(101);
    expect((await handshake(host, { origin }, path)).status).toBe(403);
    expect((await handshake(host, { origin }, "/socket?ticket=none")).status).toBe(403);
    // The session cookie alone is no way in: a browser sends it from anywhere.
    expect((await handshake(host, { origin, ...people.ada.jar.header(origin) }, "/socket")).status).toBe(403);
    const both = await ticketPath();
    expect((await handshake(host, { origin, authorization: "Bearer x" }, both)).status).toBe(403);
  });

  it("sends nobody elsewhere after signing in or entering", async () => {
    const { ada } = people;
    const ownHost = first.host;
    for (const to of [
      "https://evil.example/",
      "//evil.example/",
      "/\\evil.example",
      `http://evil.example/.ws.localhost:${stage.atelier.port}`,
      `http://${ownHost}@evil.example/`,
      `http://ada:x@${ownHost}/`,
      `http://${ownHost}.evil.example/`,
      `http://x.${ownHost}/x`,
      `https://${ownHost}/`,
      "javascript:alert(1)",
      "",
    ]) {
      const answer = await send(`${stage.atelier.origin}/enter?to=${encodeURIComponent(to)}`, {
        headers: ada.jar.header(stage.atelier.origin),
      });
      expect([to, answer.status, answer.headers.location]).toEqual([to, 400, undefined]);
    }
    for (const path of ["//evil.example/x", "/.//evil.example/x", "/\\evil.example/x", "/%2F%2Fevil.example/x"]) {
      const to = `http://${ownHost}${path}`;
      const page = await send(`${stage.atelier.origin}/enter?to=${encodeURIComponent(to)}`, {
        headers: ada.jar.header(stage.atelier.origin),
      });
      expect(new URL(page.headers.location as string, stage.atelier.origin).host).toBe(ownHost);
      const through = await viaEdge(ownHost, { cookie: `atelier_route=${first.token}` }, path.replaceAll("\\", "%5C"));
      const next = through.headers.location;
      if (typeof next === "string") expect(new URL(next, `http://${ownHost}/`).host).toBe(ownHost);
    }
    for (const back of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "/.//evil.example",
      "/\t/evil.example",
    ]) {
      const answer = await send(`${stage.atelier.origin}/login/local?return=${encodeURIComponent(back)}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers.location).toBeUndefined();
    }
  });
});

describe("somebody inside a workspace who is faster than its supervisor", () => {
  it("has that instance's identity and no other's", async () => {
    const { ada } = people;
    await ada.call("workspace.stop", { id: (places[3] as Place).id });
    await ada.until((places[3] as Place).id, "stopped", 60_000);
    const { instanceId, bearer, ticket, resume } = await beFaster(ada);
    secrets.push(bearer);
    try {
      const asInstance = (method: string, params: object, more: Record<string, string> = {}) =>
        rpc(method, params, { authorization: `Bearer ${bearer}`, ...more });
      expect(await asInstance("instance.heartbeat", { activeAt: 0 })).toBeUndefined();

      const secret = bearer.slice(bearer.indexOf(".") + 1);
      for (const other of places) {
        const theirs = { authorization: `Bearer ${other.instanceId}.${secret}` };
        for (const [method, params] of INSTANCE_CALLS)
          expect(await rpc(method, params, theirs)).toBe("UNAUTHENTICATED");
        for (const method of ["get", "stop", "delete", "enter"]) {
          expect(await asInstance(`workspace.${method}`, { id: other.id })).toBe("PERMISSION_DENIED");
        }
        const hello = { instanceId: other.instanceId, ticket, secretHash: "0".repeat(64), protocolVersion: 1 };
        expect(await rpc("instance.hello", hello, {})).toBe("PERMISSION_DENIED");
      }
      const { url } = await ada.call<{ url: string }>("workspace.enter", { id: first.id });
      const stolen = new URL(url).searchParams.get("atelier-ticket") as string;
      for (const host of [first.host, `${instanceId.replace(/-r\d+$/, "")}.ws.localhost:${stage.atelier.port}`]) {
        expect(await asInstance("instance.redeem", { ticket: stolen, host })).toBe("PERMISSION_DENIED");
      }
      expect(await asInstance("instance.heartbeat", { activeAt: 0 }, { origin: `http://${first.host}` })).toBe(
        "PERMISSION_DENIED",
      );
      expect(
        await rpc("instance.hello", { instanceId, ticket, secretHash: "0".repeat(64), protocolVersion: 1 }, {}),
      ).toBe("PERMISSION_DENIED");
    } finally {
      resume();
    }
    // Its supervisor came second, and says so.
    const id = instanceId.replace(/-r\d+$/, "");
    await ada.until(id, ["stopping", "stopped"], 60_000);
    await ada.call("workspace.delete", { id });
  });
});

describe("a private repository", () => {
  const username = "first.last";
  const password = "pw-7Qz9mK2vX4bN8sL1";
  let secret: GitServer;

  beforeAll(async () => {
    secret = await serveShop({ username, password });
  });
  afterAll(() => secret?.stop());

  it("is refused without credentials and with wrong ones", async () => {
    for (const url of [`${secret.url}/acme/shop.git`, `${secret.url.replace("://", "://a:b@")}/acme/shop.git`]) {
      await expect(people.eve.create(url)).rejects.toMatchObject({ kind: "REPOSITORY_ACCESS_DENIED" });
      await expect(people.eve.call("context.resolve", { contextUrl: url })).rejects.toMatchObject({
        kind: "REPOSITORY_ACCESS_DENIED",
      });
    }
  });

  it.each([
    ["with a scheme", "http://"],
    ["without", ""],
  ])(
    "opens with credentials in its URL %s, which are then in no file, argument, log or answer",
    async (_case, scheme) => {
      const { eve } = people;
      const { host } = new URL(secret.url);
      const { id } = await eve.create(`${scheme}${username}:${password}@${host}/acme/shop.git`);
      const commands: string[] = [];
      const isRunning = eve.until(id, ["running", "stopped"], 100_000);
      // Git's own processes live for moments only.
      for (let over = false; !over; ) {
        commands.push(...allProcesses().map(({ command }) => command));
        over = await Promise.race([
          isRunning.then(() => true),
          new Promise<boolean>((go) => setTimeout(() => go(false), 5)),
        ]);
      }
      const { instance } = await isRunning;
      expect(instance?.phase, JSON.stringify(instance)).toBe("running");
      expect(commands.some((command) => /git.* clone/.test(command))).toBe(true);

      const encoded = [
        password,
        Buffer.from(password).toString("base64url"),
        Buffer.from(`${username}:${password}`).toString("base64").replace(/=+$/, ""),
        Buffer.from(password).toString("hex"),
      ];
      expect(encoded.filter((text) => commands.some((command) => command.includes(text)))).toEqual([]);
      const files = filesUnder(stage.atelier.home);
      expect(files.some((file) => file.endsWith("/shop/.git/config"))).toBe(true);
      expect(files.some((file) => file.includes("/dynamodb/"))).toBe(true);
      expect(filesWith(files, encoded)).toEqual([]);
      for (const { environment } of allProcesses().filter(({ pid }) => pid !== process.pid)) {
        expect(encoded.filter((text) => environment.join("\0").includes(text))).toEqual([]);
      }
      const answers = await Promise.all([
        eve.call("workspace.get", { id, logAfter: 0 }),
        eve.call("workspace.list"),
        eve.call("workspace.stop", { id }),
      ]);
      for (const text of [...encoded, username]) expect(JSON.stringify(answers)).not.toContain(text);
      expect(stage.atelier.output()).not.toContain(password);
      await eve.call("workspace.delete", { id });
    },
  );
});

describe("secrets", () => {
  it("stand in no command line, no log, and no environment of a workspace's processes", async () => {
    const tickets = places.flatMap(({ instanceId }) => findSupervisor(instanceId)?.environment ?? []);
    const launch = tickets
      .filter((one) => one.startsWith("ATELIER_LAUNCH_TICKET="))
      .map((one) => one.split("=")[1] as string);
    expect(launch.length).toBeGreaterThanOrEqual(7);
    const all = [...secrets, ...launch];
    const bearers = new RegExp(`(${places.map(({ instanceId }) => instanceId).join("|")})\\.[A-Za-z0-9_-]{43}`);

    const processes = allProcesses();
    for (const { command } of processes) {
      expect(all.filter((secret) => command.includes(secret))).toEqual([]);
      expect(command).not.toMatch(bearers);
    }
    for (const { instanceId } of places) {
      const supervisor = findSupervisor(instanceId);
      if (!supervisor) continue;
      const children = descendantsOf(supervisor.pid, processes);
      expect(children.length).toBeGreaterThan(0);
      for (const { environment } of children) {
        expect(
          environment.filter((one) => /^(ATELIER_LAUNCH_TICKET|ATELIER_ENDPOINT|ATELIER_VOLUME|AWS_|ECS_)/.test(one)),
        ).toEqual([]);
        expect(all.filter((secret) => environment.join("\0").includes(secret))).toEqual([]);
        expect(environment.join("\0")).not.toMatch(bearers);
        // Nothing of the person who ran `npm start`, and nothing of another workspace.
        const others = places.filter((place) => place.instanceId !== instanceId);
        expect(others.filter(({ id }) => environment.join("\0").includes(id))).toEqual([]);
      }
    }
    const logs = filesUnder(stage.atelier.home, isLog);
    expect(logs.length).toBeGreaterThanOrEqual(9);
    expect(filesWith(logs, all)).toEqual([]);
    for (const secret of all) expect(stage.atelier.output()).not.toContain(secret);
  });

  it("leave a launch ticket worth nothing once its supervisor said hello", async () => {
    const ticket = findSupervisor(first.instanceId)
      ?.environment.find((one) => one.startsWith("ATELIER_LAUNCH_TICKET="))
      ?.split("=")[1];
    const secretHash = createHash("sha256").update("mine").digest("hex");
    const hello = { instanceId: first.instanceId, ticket, secretHash, protocolVersion: 1 };
    expect(await rpc("instance.hello", hello, {})).toBe("PERMISSION_DENIED");
  });

  it("of the machine are not pretended to be safe from the process engine's workspaces: it says so at start", () => {
    expect(stage.atelier.output()).toMatch(/without isolation/);
  });
});

const STEP = { state: "waiting" };
const INSTANCE_CALLS: [string, object][] = [
  ["instance.heartbeat", { activeAt: 0 }],
  ["instance.log", { sequence: 1, text: "x" }],
  ["instance.report", { bootId: "aaaaaaaa", sequence: 1, clone: STEP, ide: STEP, ports: [], tasks: [] }],
  ["instance.redeem", { ticket: "x", host: "x" }],
];

/** @returns the name of the error, `undefined` for none */
async function rpc(method: string, params: object, headers: Record<string, string>): Promise<string | undefined> {
  const answer = await send(`${stage.atelier.origin}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return (JSON.parse(answer.body) as { error?: { data: { name: string } } }).error?.data.name;
}

function errorOf(session: string): Promise<string | undefined> {
  return rpc("user.me", {}, { origin: stage.atelier.origin, cookie: `atelier_session=${session}` });
}

/** Holds a supervisor before it speaks, and says hello in its place. */
async function beFaster(
  owner: Person,
): Promise<{ instanceId: string; bearer: string; ticket: string; resume(): void }> {
  for (let tries = 0; tries < 5; tries += 1) {
    const { id } = await owner.create(`${stage.git.url}/acme/empty.git`);
    const instanceId = `${id}-r1`;
    const end = Date.now() + 60_000;
    let supervisor = findSupervisor(instanceId);
    while (!supervisor && Date.now() < end) {
      await new Promise((resolve) => setImmediate(resolve));
      supervisor = findSupervisor(instanceId);
    }
    if (!supervisor) throw new Error(`${instanceId} has no supervisor`);
    const { pid, environment } = supervisor;
    process.kill(pid, "SIGSTOP");
    const resume = () => void process.kill(pid, "SIGCONT");
    const ticket = environment.find((one) => one.startsWith("ATELIER_LAUNCH_TICKET="))?.split("=")[1] as string;
    const secret = `mine-${"x".repeat(38)}`;
    const secretHash = createHash("sha256").update(secret).digest("hex");
    const refused = await rpc("instance.hello", { instanceId, ticket, secretHash, protocolVersion: 1 }, {});
    if (refused === undefined) return { instanceId, bearer: `${instanceId}.${secret}`, ticket, resume };
    resume();
    await owner.call("workspace.delete", { id });
  }
  throw new Error("The supervisor was faster each time.");
}
