import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createFrontDoor, type FrontDoor, PortTakenError } from "./create-front-door.ts";

const log = { info() {}, warn() {}, error() {} };
const doors: FrontDoor[] = [];

async function open(port = 0): Promise<FrontDoor> {
  const door = createFrontDoor(
    { log },
    {
      port,
      find: (name) =>
        name === "localhost" || name.endsWith(".ws.localhost")
          ? {
              handleRequest: (_request, response) => void response.end(`site ${name}`),
              handleUpgrade: (_request, socket) => void socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            }
          : undefined,
    },
  );
  doors.push(door);
  await door.start();
  return door;
}

afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.stop()));
});

function get(port: number, host: string, address = "127.0.0.1"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: address, port, headers: { host }, agent: false }, async (response: IncomingMessage) => {
      let body = "";
      for await (const chunk of response) body += String(chunk);
      resolve({ status: response.statusCode ?? 0, body });
    })
      .on("error", reject)
      .end();
  });
}

it("answers on both loopback addresses by the name in Host, whatever its case", async () => {
  const { port } = await open();
  expect(await get(port, `localhost:${port}`)).toEqual({ status: 200, body: "site localhost" });
  expect(await get(port, `A-b.WS.localhost:${port}`, "::1")).toEqual({ status: 200, body: "site a-b.ws.localhost" });
});

it.each([
  (port: number) => `127.0.0.1:${port}`,
  (port: number) => `evil.test:${port}`,
  (port: number) => `localhost:${port + 1}`,
  () => "localhost",
  (port: number) => `localhost@evil:${port}`,
])("refuses another Host with a readable 421 (%#)", async (host) => {
  const { port } = await open();
  const answer = await get(port, host(port));
  expect(answer.status).toBe(421);
  expect(answer.body).toContain(`http://localhost:${port}/`);
});

it("refuses an upgrade for another Host, and lets ours through", async () => {
  const { port } = await open();
  const upgrade = (host: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
      );
      socket.once("data", (data) => {
        resolve(data.toString().split("\r\n")[0] ?? "");
        socket.destroy();
      });
    });
  expect(await upgrade(`evil.test:${port}`)).toBe("HTTP/1.1 421 Misdirected Request");
  expect(await upgrade(`localhost:${port}`)).toBe("HTTP/1.1 101 Switching Protocols");
});

it("names the holder of a taken port", async () => {
  const { port } = await open();
  const error = await open(port).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PortTakenError);
  expect(error).toMatchObject({ port, holder: { pid: process.pid, program: expect.stringContaining("node") } });
});

it("ends every connection when it stops, upgraded ones too", async () => {
  const door = await open();
  const socket = connect(door.port, "127.0.0.1", () =>
    socket.write(`GET / HTTP/1.1\r\nHost: localhost:${door.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
  );
  await new Promise((resolve) => socket.once("data", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await door.stop();
  await closed;
  await expect(get(door.port, "localhost")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
