/** The whole life of an instance inside its container, from the first call up to the exit code. */
import { createHash, randomBytes } from "node:crypto";
import { AtelierError } from "#protocol/errors.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import { SUPERVISOR_PORT } from "#protocol/route-token.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { ControlPlane } from "./call-control-plane.ts";
import { TokenCheck } from "./check-token.ts";
import { type Chance, type Clock, realChance, realClock, within } from "./clock.ts";
import { endFamily } from "./end-processes.ts";
import { findAddress } from "./find-address.ts";
import { ProcessFamily } from "./find-processes.ts";
import { keepSocket } from "./keep-socket.ts";
import { Activity, beat } from "./note-activity.ts";
import { INSTANCE_VARIABLE, openWorkspace, type Workspace } from "./open-workspace.ts";
import { type Home, prepareHome } from "./prepare-home.ts";
import { Reporter } from "./report-facts.ts";
import { Gate } from "./serve-gate.ts";
import { LogShipper } from "./ship-log.ts";
import type { Configuration } from "./take-configuration.ts";
import { PortWatch } from "./watch-ports.ts";

export interface SupervisorOptions {
  readonly configuration: Configuration;
  /** For the person's processes, without what was the supervisor's own. */
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts when the task is to end (SIGTERM). */
  readonly signal: AbortSignal;
  /** Words for the task's own log; no secrets. */
  readonly print: (line: string) => void;
  readonly clock?: Clock;
  readonly chance?: Chance;
  /** 0 for any. */
  readonly port?: number;
}

/** Together they stay under the 30 s that ECS gives a task by default between SIGTERM and SIGKILL. */
const IDE_GRACE_MS = 5_000;
const FAMILY_GRACE_MS = 5_000;
const FLUSH_MS = 5_000;
/** A failure is worth waiting for the control plane to know it. */
const FAILURE_FLUSH_MS = 30_000;

/** @returns the exit code: 0 when it was asked to end, 1 when it gave up */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const { configuration, clock = realClock, chance = realChance, print } = options;
  const ended = new AbortController();
  const work = AbortSignal.any([options.signal, ended.signal]);
  const up = new ControlPlane({ endpoint: configuration.endpoint, clock, chance, onTrouble: print });
  const activity = new Activity(clock);
  const family = new ProcessFamily(process.pid, `${INSTANCE_VARIABLE}=${configuration.instanceId}`);
  const fail = (error: unknown): void => ended.abort(error);
  // Reports and logs go on while everything else is being ended; this alone stops them.
  const cutOff = new AbortController();
  const reporter = new Reporter({
    clock,
    send: (newest) => up.call("instance.report", newest, cutOff.signal),
    onRefused: (error) => isUnwanted(error) && fail(error),
  });
  const log = new LogShipper({ clock, send: (batch) => up.call("instance.log", batch, cutOff.signal) });
  const ports = new PortWatch(family, (open) => reporter.update({ ports: open }));

  let home: Home | undefined;
  let gate: Gate | undefined;
  let workspace: Workspace | undefined;
  let code = 0;
  try {
    // The IDE takes longest: it loads while the control plane is asked what it is for.
    const hello = sayHello(up, configuration, work);
    hello.catch(() => undefined);
    home = await prepareHome(configuration.volume, configuration.scratch, options.environment);
    gate = new Gate({
      workspaceId: configuration.workspaceId,
      clock,
      activity,
      idePath: `${home.run}/ide.sock`,
      ports,
      redeem: (ticket, host) => up.call("instance.redeem", { ticket, host }, AbortSignal.timeout(10_000)),
    });
    workspace = openWorkspace({ configuration, clock, home, told: hello, gate, reporter, log, print, signal: work });
    const address = await findAddress(configuration.metadataUri);
    const port = await gate.listen(options.port ?? SUPERVISOR_PORT, address);
    print(`The gate listens on ${address ?? "every address"}, port ${port}.`);

    const told = await hello;
    gate.access = {
      tokens: new TokenCheck(told.routeKeys, configuration.instanceId),
      hostSuffix: told.hostSuffix,
      dashboardOrigin: told.dashboardOrigin,
    };
    keepInTouch({ configuration, clock, chance, up, gate, activity, work });
    void ports.keepLooking(clock, work).catch(() => undefined);
    await workspace.ended;
  } catch (error) {
    if (!options.signal.aborted) {
      code = 1;
      const reason = ended.signal.aborted ? ended.signal.reason : error;
      const sentence = reason instanceof Error ? reason.message : String(reason);
      print(sentence);
      log.line(sentence);
      reporter.update({ failure: sentence });
    }
  }
  if (gate) gate.isStopping = true;
  ended.abort(new Error("The supervisor ends."));
  await workspace?.stop(IDE_GRACE_MS);
  await endFamily(clock, family, FAMILY_GRACE_MS);
  await gate?.close();
  const saidAll = Promise.all([log.flush(), reporter.acknowledged()]);
  if (up.bearer) await within(clock, code === 0 ? FLUSH_MS : FAILURE_FLUSH_MS, saidAll);
  cutOff.abort(new Error("The supervisor ends."));
  up.close();
  await home?.remove();
  return code;
}

/** The first call: shows the launch ticket, and makes the secret that all later calls carry. The secret is nowhere but in memory. */
async function sayHello(
  up: ControlPlane,
  { instanceId, launchTicket }: Configuration,
  signal: AbortSignal,
): Promise<ResultOf<"instance.hello">> {
  const secret = randomBytes(32).toString("base64url");
  const secretHash = createHash("sha256").update(secret).digest("hex");
  const told = await up.call(
    "instance.hello",
    { instanceId, ticket: launchTicket, secretHash, protocolVersion: PROTOCOL_VERSION },
    signal,
  );
  up.bearer = `${instanceId}.${secret}`;
  return told;
}

function keepInTouch(parts: {
  configuration: Configuration;
  clock: Clock;
  chance: Chance;
  up: ControlPlane;
  gate: Gate;
  activity: Activity;
  work: AbortSignal;
}): void {
  const { configuration, clock, chance, up, gate, activity, work } = parts;
  void beat(clock, activity, (sign) => up.call("instance.heartbeat", sign, work), work);
  void keepSocket(
    {
      endpoint: configuration.endpoint,
      bearer: up.bearer as string,
      clock,
      chance,
      onNotification: (name, params) => {
        if (name !== "workspace.changed" || !("workspace" in params)) return;
        const { instance } = params.workspace;
        if (instance?.id !== configuration.instanceId) return;
        if (instance.phase === "stopping" || instance.phase === "stopped") gate.isStopping = true;
      },
    },
    work,
  );
}

/** The control plane no longer knows this instance: nobody wants its work. */
function isUnwanted(error: unknown): boolean {
  return error instanceof AtelierError && ["UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"].includes(error.kind);
}
