import { connect } from "node:net";
import { DeleteConnectionCommand, GetConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { domain, end, idOf, next, open, opened, post, rig, startRig, stopRig } from "./socket-api.fixture.ts";

beforeEach(startRig);
afterEach(stopRig);

describe("@connections, through the SDK's client", () => {
  it("posts text, large ones in several frames, and bytes that are no text", async () => {
    const socket = await opened();
    for (const text of ["häßlich", "ü".repeat(60_000)]) {
      const received = next(socket);
      await post(text);
      expect(await received).toBe(text);
    }
    const received = next(socket);
    await post(Uint8Array.from([0xff, 0xfe]));
    expect(await received).toMatch(/^binary/);
    expect(rig.gateway.permissions?.(rig.last)).toEqual([
      {
        action: "execute-api:ManageConnections",
        resource: `arn:aws:execute-api:us-east-1:111122223333:${rig.apiId}/socket/POST/@connections/${idOf()}`,
      },
    ]);
  });

  it("answers 410 for an unknown connection, before $connect has returned, and after the end", async () => {
    await expect(post("x", "unknown=")).rejects.toMatchObject({ name: "GoneException" });
    let early: unknown;
    rig.handlers.connect = async (event) => {
      early = await post("x", event.requestContext.connectionId).catch((error: unknown) => error);
      return { statusCode: 200 };
    };
    const socket = await opened();
    expect(early).toMatchObject({ name: "GoneException" });
    socket.terminate();
    await vi.waitFor(() => expect(rig.seen.disconnect).toHaveLength(1));
    await expect(post("x")).rejects.toMatchObject({ name: "GoneException" });
    expect(rig.seen.disconnect?.[0]?.requestContext).toMatchObject({ disconnectStatusCode: 1006 });
  });

  it("refuses more than 128 KB with 413, and more than a client takes with 429", async () => {
    await opened();
    await expect(post("x".repeat(128 * 1_024 + 1))).rejects.toMatchObject({ name: "PayloadTooLargeException" });
    const address = rig.gateway.resolveOrigin(domain()) as { socketPath: string };
    const deaf = connect(address.socketPath);
    deaf.write(
      `GET /socket HTTP/1.1\r\nHost: ${domain()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    await new Promise((resolve) => deaf.once("data", resolve));
    deaf.pause();
    const fill = async () => {
      for (let i = 0; i < 100; i += 1) await post("x".repeat(120_000));
    };
    await expect(fill()).rejects.toMatchObject({ name: "LimitExceededException" });
    deaf.destroy();
  });

  it("tells about a connection, and ends it", async () => {
    const socket = await opened(open(undefined, { headers: { "user-agent": "UA" } }));
    const got = await rig.client.send(new GetConnectionCommand({ ConnectionId: idOf() }));
    expect(got).toMatchObject({
      ConnectedAt: new Date(rig.clock.now()),
      Identity: { SourceIp: "127.0.0.1", UserAgent: "UA" },
    });
    const ended = end(socket);
    await rig.client.send(new DeleteConnectionCommand({ ConnectionId: idOf() }));
    await ended;
    await expect(rig.client.send(new GetConnectionCommand({ ConnectionId: idOf() }))).rejects.toMatchObject({
      name: "GoneException",
    });
  });
});
