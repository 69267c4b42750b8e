import { createHash } from "node:crypto";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserCall } from "#functions/rpc/call.ts";
import type { SocketConnectEvent, SocketDisconnectEvent, SocketMessageEvent } from "#functions/runtime/aws-events.ts";
import { clock, setClock } from "#functions/runtime/clock.ts";
import { table, tableName } from "#functions/runtime/table.ts";
import { startTestParameters, type TestParameters } from "#functions/runtime/test-parameters.ts";
import { startTestTable } from "#functions/runtime/test-table.ts";
import { newInstance } from "#functions/workspaces/facts.ts";
import { insertWorkspace } from "#functions/workspaces/workspace-store.ts";
import { MAX_SOCKET_MESSAGE_BYTES, success } from "#protocol/json-rpc.ts";
import { getConnection, putConnection, subscribe } from "./connection-store.ts";
import { makeTicket } from "./make-ticket.ts";
import { handler as connect } from "./on-connect.ts";
import { handler as disconnect } from "./on-disconnect.ts";
import { fitResponse, handler as message } from "./on-message.ts";
import { fitNotification, push } from "./push.ts";
import { startTestSockets, type TestSockets } from "./test-sockets.ts";
import { issueTicket, redeemTicketRow } from "./ticket-store.ts";

const ORIGIN = "http://localhost:4000";
const WORKSPACE = "amber-otter-x7k2m5q4";
const INSTANCE = `${WORKSPACE}-r1`;
const ann: UserCall = { kind: "user", userId: "u-ann", name: "Ann", sessionId: "s1" };
let parameters: TestParameters;
let stopTable: () => Promise<void>;
let sockets: TestSockets;
let count = 0;
let id: string;

beforeAll(async () => {
  parameters = await startTestParameters();
  stopTable = await startTestTable();
  sockets = await startTestSockets();
  Object.assign(process.env, {
    DASHBOARD_ORIGIN: ORIGIN,
    WORKSPACE_HOST_SUFFIX: ".ws.localhost:4000",
    MAX_RUNNING_INSTANCES: "8",
    QUEUE_URL: "http://127.0.0.1:9/queue",
  });
  const context = {
    kind: "empty" as const,
    repository: { host: "git.test", owner: "acme", name: "shop", cloneUrl: "http://git.test/acme/shop" },
    ref: "",
    refType: "branch" as const,
    path: "",
    title: "acme/shop",
  };
  const now = clock.now();
  await insertWorkspace({
    id: WORKSPACE,
    ownerId: "u-ann",
    contextUrl: "http://git.test/acme/shop",
    context,
    class: "standard",
    createdAt: now,
    lastUsedAt: now,
    revision: 1,
    run: 1,
    volume: { directory: "d" },
    instance: {
      ...newInstance({ id: INSTANCE, requestedAt: now, class: "standard", volumeKept: false }),
      secretHash: createHash("sha256").update("the-secret").digest("hex"),
    },
  });
});
afterAll(async () => {
  await sockets.stop();
  await stopTable();
  await parameters.stop();
});
beforeEach(() => {
  count += 1;
  id = `connection-${count}=`;
  sockets.open.clear();
  sockets.stuck.clear();
});

function requestContext(routeKey: string, connectionId = id) {
  return { requestContext: { connectionId, requestId: "r", routeKey, eventType: "", domainName: "", stage: "socket" } };
}

async function open(headers: Record<string, string>, ticket?: string): Promise<number> {
  const event = { ...requestContext("$connect"), headers, queryStringParameters: ticket ? { ticket } : null };
  return (await connect(event as unknown as SocketConnectEvent)).statusCode;
}

async function send(body: string, connectionId = id): Promise<Record<string, unknown>[]> {
  const received: unknown[] = [];
  sockets.open.set(connectionId, received);
  await message({ ...requestContext("$default", connectionId), body } as unknown as SocketMessageEvent);
  return received as Record<string, unknown>[];
}

async function rowsOf(connectionId: string): Promise<string[]> {
  const { Items } = await table.send(new ScanCommand({ TableName: tableName() }));
  return (Items ?? [])
    .map(({ pk, sk }) => `${pk}/${sk}`)
    .filter((key) => key.includes(`CONNECTION#${connectionId}`))
    .sort();
}

const newTicket = async () => (await makeTicket({}, ann)).ticket;
const me = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "user.me" });

describe("$connect", () => {
  it("lets in the dashboard with a ticket, once", async () => {
    const ticket = await newTicket();
    expect(await open({ Origin: ORIGIN }, ticket)).toBe(200);
    expect(await getConnection(id)).toEqual({ id, peer: ann, subscribed: false });
    expect(await open({ Origin: ORIGIN }, ticket)).toBe(403);
  });

  it("lets in one of two that come with the same ticket at the same moment", async () => {
    const ticket = await newTicket();
    const answers = await Promise.all([open({ Origin: ORIGIN }, ticket), open({ Origin: ORIGIN }, ticket)]);
    expect(answers.sort()).toEqual([200, 403]);
  });

  it("lets in a supervisor with its bearer", async () => {
    expect(await open({ authorization: `Bearer ${INSTANCE}.the-secret` })).toBe(200);
    expect((await getConnection(id))?.peer).toEqual({ kind: "instance", workspaceId: WORKSPACE, instanceId: INSTANCE });
  });

  it.each([
    ["another origin", { origin: "http://evil.test" }, true],
    ["a workspace's origin", { origin: "http://amber-otter-x7k2m5q4.ws.localhost:4000" }, true],
    ["a ticket without origin", {}, true],
    ["a cookie instead of a ticket", { origin: ORIGIN, cookie: "atelier_session=x" }, false],
    ["a bearer with an origin", { origin: ORIGIN, authorization: `Bearer ${INSTANCE}.the-secret` }, false],
    ["a bearer beside a ticket", { authorization: `Bearer ${INSTANCE}.the-secret` }, true],
    ["a wrong bearer", { authorization: `Bearer ${INSTANCE}.another` }, false],
    ["nothing", {}, false],
  ])("refuses %s, and writes nothing", async (_name, headers, withTicket) => {
    expect(await open(headers as Record<string, string>, withTicket ? await newTicket() : undefined)).toBe(403);
    expect(await rowsOf(id)).toEqual([]);
  });
});

describe("a message", () => {
  it("is answered down its own socket, after the subscription was written", async () => {
    await putConnection(id, ann);
    expect(await send(me)).toEqual([{ jsonrpc: "2.0", id: 7, result: expect.objectContaining({ id: "u-ann" }) }]);
    expect(await rowsOf(id)).toEqual([`CONNECTION#${id}/CONNECTION`, `USER#u-ann/CONNECTION#${id}`]);
  });

  it("of a supervisor subscribes it to its workspace, and calls nothing", async () => {
    await putConnection(id, { kind: "instance", workspaceId: WORKSPACE, instanceId: INSTANCE });
    const beat = JSON.stringify({ jsonrpc: "2.0", id: 8, method: "instance.heartbeat", params: { activeAt: 1 } });
    for (const message of [me, beat]) {
      expect(await send(message)).toMatchObject([{ error: { data: { name: "UNAUTHENTICATED" } } }]);
    }
    expect(await rowsOf(id)).toContain(`WORKSPACE#${WORKSPACE}/CONNECTION#${id}`);
  });

  it("that is no request is answered with why", async () => {
    await putConnection(id, ann);
    expect(await send("{")).toMatchObject([{ id: null, error: { data: { name: "PARSE_ERROR" } } }]);
    const large = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "user.me", params: { x: "x".repeat(30_000) } });
    expect(await send(large)).toMatchObject([{ error: { data: { name: "MESSAGE_TOO_LARGE" } } }]);
  });

  it("of a connection that is not known is answered with UNAUTHENTICATED", async () => {
    expect(await send(me)).toMatchObject([{ error: { data: { name: "UNAUTHENTICATED" } } }]);
    expect(await rowsOf(id)).toEqual([]);
  });

  it("without id has no answer", async () => {
    await putConnection(id, ann);
    expect(await send(JSON.stringify({ jsonrpc: "2.0", method: "user.me" }))).toEqual([]);
  });

  it("keeps the connection alive with the digest of a list", async () => {
    await putConnection(id, ann);
    const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "workspace.list", params: { digest: "0-0" } });
    const [answer] = await send(list);
    expect(answer).toMatchObject({ result: { workspaces: [{ id: WORKSPACE }] } });
  });

  it("whose answer is larger than a socket carries says to use POST /rpc", () => {
    const text = fitResponse(success(3, "é".repeat(15_000)));
    expect(JSON.parse(text)).toMatchObject({
      id: 3,
      error: { data: { name: "MESSAGE_TOO_LARGE" }, message: expect.stringContaining("POST /rpc") },
    });
  });
});

describe("$disconnect", () => {
  it("leaves no row, and may come twice", async () => {
    await putConnection(id, ann);
    await send(me);
    const event = requestContext("$disconnect") as unknown as SocketDisconnectEvent;
    await disconnect(event);
    await disconnect(event);
    expect(await rowsOf(id)).toEqual([]);
  });

  it("that comes before the first message was handled leaves no subscription", async () => {
    await putConnection(id, ann);
    const connection = await getConnection(id);
    await disconnect(requestContext("$disconnect") as unknown as SocketDisconnectEvent);
    if (connection) await subscribe(connection);
    expect(await rowsOf(id)).toEqual([]);
  });
});

describe("push", () => {
  const audience = { ownerId: "u-ann", workspaceId: WORKSPACE };
  const deleted = { id: WORKSPACE, revision: 5 };

  it("reaches the owner's sockets and the workspace's, and nobody else's", async () => {
    const peers = {
      owner: ann,
      supervisor: { kind: "instance", workspaceId: WORKSPACE, instanceId: INSTANCE },
      stranger: { ...ann, userId: "u-bob" },
    } as const;
    for (const [name, peer] of Object.entries(peers)) {
      await putConnection(`${id}${name}`, peer);
      await send(me, `${id}${name}`);
    }
    for (const messages of sockets.open.values()) messages.length = 0;
    await push(audience, "workspace.deleted", deleted);
    const notification = { jsonrpc: "2.0", method: "workspace.deleted", params: deleted };
    expect(sockets.open.get(`${id}owner`)).toEqual([notification]);
    expect(sockets.open.get(`${id}supervisor`)).toEqual([notification]);
    expect(sockets.open.get(`${id}stranger`)).toEqual([]);
  });

  it("forgets sockets that are gone", async () => {
    await putConnection(id, ann);
    await send(me);
    sockets.open.clear();
    await push(audience, "workspace.deleted", deleted);
    expect(await rowsOf(id)).toEqual([]);
  });

  it("is done in time when a client does not take it, and reaches the others", async () => {
    await putConnection(id, ann);
    await putConnection(`${id}stuck`, ann);
    await send(me);
    await send(me, `${id}stuck`);
    sockets.stuck.add(`${id}stuck`);
    const before = performance.now();
    await push(audience, "workspace.deleted", deleted);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(sockets.open.get(id)).toHaveLength(2);
    expect(await rowsOf(`${id}stuck`)).toHaveLength(2);
  });

  it("keeps the end of a log that is too long, whatever is in it", () => {
    for (const character of ["x", "é", "\u001b", "👩"]) {
      const text = `${character.repeat(20_000 / character.length)}THE END`;
      const params = { workspaceId: WORKSPACE, instanceId: INSTANCE, sequence: 1, text };
      const fitted = fitNotification("log.appended", params) ?? "";
      expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(MAX_SOCKET_MESSAGE_BYTES);
      expect(JSON.parse(fitted).params.text).toMatch(/THE END$/);
    }
  });
});

describe("a ticket", () => {
  const fields = { kind: "enter", userId: "u", sessionId: "s", host: "h" } as const;

  it("is redeemed once, with what it stands for", async () => {
    const expiresAt = clock.now() + 60_000;
    await issueTicket("t1", { ...fields, expiresAt });
    expect(await redeemTicketRow("t1")).toEqual({ ...fields, expiresAt });
    expect(await redeemTicketRow("t1")).toBeUndefined();
    expect(await redeemTicketRow("never issued")).toBeUndefined();
  });

  it("is not good at its expiry", async () => {
    const expiresAt = clock.now() + 60_000;
    await issueTicket("t2", { ...fields, expiresAt });
    const restore = setClock({ now: () => expiresAt });
    expect(await redeemTicketRow("t2")).toBeUndefined();
    restore();
  });

  it("of one kind is left alone by those who look for another", async () => {
    await issueTicket("t3", { ...fields, expiresAt: clock.now() + 60_000 });
    expect(await redeemTicketRow("t3", "socket")).toBeUndefined();
    expect(await redeemTicketRow("t3", "enter")).toBeDefined();
  });

  it("does not stand in the table", async () => {
    await issueTicket("very-secret-ticket", { ...fields, expiresAt: clock.now() + 60_000 });
    const { Items } = await table.send(new ScanCommand({ TableName: tableName() }));
    expect(JSON.stringify(Items)).not.toContain("very-secret-ticket");
  });
});
