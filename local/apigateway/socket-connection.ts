/** One client's connection, from the handshake to its end. */
import { isUtf8 } from "node:buffer";
import type { Clock, Timer } from "#local/service.ts";
import type { Handshake } from "./socket-event.ts";

/** Limits of WebSocket APIs, none of them adjustable. */
export const MAX_MESSAGE_BYTES = 128 * 1_024;
export const MAX_FRAME_BYTES = 32 * 1_024;
export const IDLE_MS = 10 * 60_000;
export const LIFETIME_MS = 2 * 3_600_000;
/** How much may wait for a client that does not read; AWS does not publish its number. */
export const CLIENT_BUFFER_BYTES = 512 * 1_024;

export interface SocketConnection {
  readonly handshake: Handshake;
  readonly apiId: string;
  readonly lastActiveAt: number;
  /** Resets the idle time. */
  touch(): void;
  /** @returns `"full"` when the client does not read what was sent before, `"gone"` when it is on its way out */
  send(bytes: Buffer): "sent" | "full" | "gone";
  close(code: number, reason: string): void;
  /** Ends without a word: the API itself goes away. */
  terminate(): void;
}

/** As much of a WebSocket of the library as a connection needs. */
export interface ClientSocket {
  readonly OPEN: number;
  readonly readyState: number;
  readonly bufferedAmount: number;
  on(event: "close", listener: () => void): unknown;
  send(bytes: Buffer, options: { binary: boolean; fin: boolean }): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export function openConnection(
  clock: Clock,
  apiId: string,
  handshake: Handshake,
  socket: ClientSocket,
): SocketConnection {
  let lastActiveAt = clock.now();
  let idle: Timer | undefined;
  const waitIdle = (): void => {
    const remaining = lastActiveAt + IDLE_MS - clock.now();
    if (remaining <= 0) socket.close(1001, "Going away");
    else idle = clock.setTimeout(waitIdle, remaining);
  };
  waitIdle();
  const lifetime = clock.setTimeout(() => socket.close(1001, "Going away"), LIFETIME_MS);
  socket.on("close", () => {
    idle?.cancel();
    lifetime.cancel();
  });

  const connection: SocketConnection = {
    handshake,
    apiId,
    get lastActiveAt() {
      return lastActiveAt;
    },
    touch() {
      lastActiveAt = clock.now();
    },
    send(bytes) {
      if (socket.readyState !== socket.OPEN) return "gone";
      if (socket.bufferedAmount + bytes.length > CLIENT_BUFFER_BYTES) return "full";
      connection.touch();
      const binary = !isUtf8(bytes);
      let at = 0;
      do {
        const part = bytes.subarray(at, at + MAX_FRAME_BYTES);
        at += MAX_FRAME_BYTES;
        socket.send(part, { binary, fin: at >= bytes.length });
      } while (at < bytes.length);
      return "sent";
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
  return connection;
}
