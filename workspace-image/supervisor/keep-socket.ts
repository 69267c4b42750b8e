/** The socket on which the control plane tells an instance what became of its workspace. It is kept for ever. */

import * as v from "valibot";
import { WebSocket } from "ws";
import { Request } from "#protocol/json-rpc.ts";
import { NOTIFICATIONS, type NotificationName, type NotificationOf } from "#protocol/notifications.ts";
import { type Chance, type Clock, pause, within } from "./clock.ts";

/** API Gateway closes a socket after 10 minutes without a message, ... */
const PING_INTERVAL_MS = 4 * 60_000;
/** ... one that is gone without a word shows by a pong that does not come, ... */
const PONG_TIMEOUT_MS = 20_000;
/** ... and after two hours in any case: so each leaves earlier by itself, at a moment of its own. */
const SHORTEST_LIFE_MS = 80 * 60_000;
const LONGEST_LIFE_MS = 115 * 60_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export interface SocketOptions {
  readonly endpoint: string;
  readonly bearer: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly onNotification: <N extends NotificationName>(name: N, params: NotificationOf<N>) => void;
}

/** Connects again and again until the signal aborts. */
export async function keepSocket(options: SocketOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const wasOpen = await oneConnection(options, signal);
    failures = wasOpen ? 0 : failures + 1;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    await pause(options.clock, longest * (0.5 + options.chance() / 2), signal);
  }
}

/** @returns whether it was ever open */
async function oneConnection(options: SocketOptions, signal: AbortSignal): Promise<boolean> {
  const { clock, chance } = options;
  const url = `${options.endpoint.replace(/^http/, "ws")}/socket`;
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${options.bearer}` },
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    perMessageDeflate: false,
  });
  const over = new AbortController();
  const leave = (): void => socket.terminate();
  signal.addEventListener("abort", leave, { once: true });
  let wasOpen = false;

  // Without a listener, an error of the handshake would end the process; `close` follows in any case.
  socket.on("error", () => undefined);
  socket.on("message", (data) => notify(options, data.toString()));
  socket.on("open", () => {
    wasOpen = true;
    const life = SHORTEST_LIFE_MS + chance() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
    void pause(clock, life, over.signal).then(() => socket.close(1000));
    void keepAlive(socket, clock, over.signal);
  });
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  over.abort();
  signal.removeEventListener("abort", leave);
  return wasOpen;
}

/** The first message subscribes; the later ones keep the socket from being closed as idle. */
async function keepAlive(socket: WebSocket, clock: Clock, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "ping" }));
    const pong = new Promise<true>((resolve) => socket.once("pong", () => resolve(true)));
    socket.ping();
    if (!(await within(clock, PONG_TIMEOUT_MS, pong)) && !over.aborted) return socket.terminate();
    await pause(clock, PING_INTERVAL_MS, over);
  }
}

function notify(options: SocketOptions, text: string): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return;
  }
  const message = v.safeParse(Request, parsed);
  if (!message.success || !(message.output.method in NOTIFICATIONS)) return;
  const name = message.output.method as NotificationName;
  const params = v.safeParse(NOTIFICATIONS[name], message.output.params);
  if (params.success) options.onNotification(name, params.output as NotificationOf<typeof name>);
}
