/** One history's world: the whole cloud in this process, the machines that outlast it, and the network to it. */
import { type Cloud, createCloud } from "#local/cloud.ts";
import { mountMemoryDisk } from "#local/memory-disk.ts";
import { readLocalParameters } from "#local/read-local-parameters.ts";
import { parseInstanceId } from "#protocol/ids.ts";
import { CallTurns } from "./call-turns.ts";
import { CLOUDFORMATION_HOST, describeCall, failure, forward, signedBy } from "./describe-call.ts";
import { disturbEvents, disturbQueues } from "./disturb-deliveries.ts";
import { FaultInjector } from "./faults.ts";
import { answerGit, GIT_HOST } from "./git-host.ts";
import { historyLog, type LogLine } from "./history-log.ts";
import type { IncomingAnswer, OutgoingRequest } from "./http-modules.ts";
import { createInProcessRuntime, exited, LoadedBundles, type Process } from "./in-process-runtime.ts";
import { lagBehind } from "./late-index.ts";
import { type Container, Machines } from "./machines.ts";
import { MemoryTables } from "./memory-tables.ts";
import { Network } from "./network.ts";
import { ROOT, readTemplate } from "./read-template.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedClock, type Timeline } from "./simulated-clock.ts";
import { bootSupervisor } from "./supervisor.ts";
import { Uses } from "./uses.ts";
import { WorkspaceEdge } from "./workspace-edge.ts";
import type { WorldOptions } from "./world-options.ts";

/** People may have so many workspaces running. */
export const MAX_RUNNING = 2;
export const ROOT_SECRET = { id: "1", secret: Buffer.alloc(32, 7).toString("base64url") };

/** Histories in one process follow each other in time, so that what a function remembers of the last one is too old to matter. */
const HISTORY_MS = 30 * 24 * 3_600_000;
let histories = 0;

export class World {
  readonly clock: SimulatedClock;
  /** Of everything that does not end with the cloud. */
  readonly outside: Timeline;
  readonly tables = new MemoryTables();
  readonly uses = new Uses();
  readonly faults: FaultInjector;
  readonly machines: Machines;
  readonly network: Network;
  readonly edge: WorkspaceEdge;
  readonly log: LogLine[] = [];
  /** What custom resources answered CloudFormation. */
  readonly told: string[] = [];
  /** Calls of functions to AWS, by operation. */
  readonly calls = new Map<string, number>();
  readonly #options: WorldOptions;
  readonly #files = new Map<string, string>();
  readonly #latency: SeededRandom;
  readonly #bundles: LoadedBundles;
  #timeline: Timeline | undefined;
  #detachDisk: () => void = () => undefined;
  #endFunctions: () => void = () => undefined;
  #starts = 0;
  #processes = 0;
  #throttled = { service: "", calls: 0 };
  /** Ids of connections that a function failed for, or that nobody told of their end: their rows rest until their time is over. */
  readonly troubled = new Set<string>();
  cloud: Cloud | undefined;
  /** When the cloud was started last. */
  upSince = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.clock = new SimulatedClock(options.now ?? Date.UTC(2026, 0, 1) + HISTORY_MS * histories++);
    this.outside = this.clock.timeline();
    this.#bundles = new LoadedBundles(options.seed);
    this.#latency = new SeededRandom(options.seed, "latency");
    this.faults = new FaultInjector(options.faults);
    this.tables.now = () => this.clock.now();
    this.tables.indexLag = lagBehind(this.faults, new SeededRandom(options.seed, "indexes"));
    const outside = { clock: this.outside, faults: this.faults };
    this.network = new Network({ ...outside, random: new SeededRandom(options.seed, "network") });
    this.edge = new WorkspaceEdge(ROOT_SECRET, () => this.clock.now(), options.changeEdge);
    const supervisors = {
      clock: this.outside,
      random: new SeededRandom(options.seed, "supervisors"),
      network: this.network,
      keepsSocket: true,
      lastUsedAt: ({ instanceId }: Container) =>
        this.uses.lastAt(parseInstanceId(instanceId)?.workspaceId ?? "", this.clock.now()),
      ...options.onSupervisor,
    };
    this.machines = new Machines({
      ...outside,
      random: new SeededRandom(options.seed, "machines"),
      boot: (container) => {
        const { fault, spec } = container;
        if (fault?.name === "Spot interruption") {
          this.outside.setTimeout(() => this.cloud?.services.ecs.interrupt(spec.taskId), fault.ms);
        }
        return bootSupervisor({ ...supervisors, volumes: this.machines.volumes }, container);
      },
    });
  }

  /** Starts the cloud, or starts it again with the state that it had. */
  async start(): Promise<void> {
    const timeline = this.clock.timeline();
    const disk = mountMemoryDisk(this.#files);
    const isFirst = this.#starts++ === 0;
    // What a deployment draws are ids in the environment of functions: the same ones, and loaded bundles serve all histories.
    const random = isFirst
      ? new SeededRandom("deployment")
      : new SeededRandom(this.#options.seed, "cloud", this.#starts);
    const local = readLocalParameters(ROOT);
    const isLive = (): boolean => timeline.isLive;
    const turns = new CallTurns(timeline);
    const runtime = createInProcessRuntime({
      isLive,
      clock: timeline,
      bundles: this.#bundles,
      randomFor: (functionName) => new SeededRandom(this.#options.seed, functionName, this.#processes++),
      answer: (process, request) => this.#answer(timeline, turns, process, request),
      removeDirectory: (path) => void this.machines.volumes.delete(path.split("/").at(-1) ?? ""),
      output: (functionName, line) => this.note(functionName, line.trim()),
      hold: (work) => this.clock.hold(work),
      onEnded: (_functionName, payload, result) => {
        const isGood = result.ok && !(Number((result.payload as { statusCode?: number } | null)?.statusCode) >= 400);
        const connectionId = isGood ? undefined : /"connectionId":"([^"]+)"/.exec(payload)?.[1];
        if (connectionId) this.troubled.add(connectionId);
      },
    });
    const cloud = await createCloud({
      synthesized: readTemplate(),
      parameters: ({ port }) => ({
        ...local.parameters({ port, issuer: this.#issuer }),
        MaxRunningInstances: String(MAX_RUNNING),
      }),
      stateDirectory: disk.directory,
      port: 4_000,
      clock: timeline,
      random,
      log: historyLog(isLive, (from, text) => this.note(from, text)),
      runtime,
      engine: async (_context, volumes) => this.machines.engine(volumes.folderOf, isLive),
      listens: false,
      openTables: async () => this.tables.open(isLive),
    });
    this.#timeline = timeline;
    this.#detachDisk = disk.detach;
    this.#endFunctions = runtime.kill;
    this.cloud = cloud;
    this.upSince = this.clock.now();
    if (this.#options.hasKeys !== false && cloud.services.ssm.readSecret("/atelier/root-key") === undefined) {
      cloud.services.ssm.putSecret("/atelier/root-key", JSON.stringify({ current: ROOT_SECRET }));
    }
    disturbEvents(cloud, timeline, this.faults);
    await cloud.start();
    if (isFirst) random.restart(this.#options.seed, "cloud", 0);
    disturbQueues(cloud, timeline, this.faults);
    this.network.attach(cloud.services.apigateway);
  }

  /** The program is killed: nothing of it goes on, what it wrote stays, and so do the containers. */
  kill(): void {
    for (const { pk, sk } of this.tables.items()) {
      const id = /CONNECTION#(\S+)/.exec(`${pk?.S} ${sk?.S}`)?.[1];
      if (id) this.troubled.add(id);
    }
    this.#timeline?.end();
    this.#detachDisk();
    this.#endFunctions();
    this.network.detach();
    this.cloud = undefined;
  }

  /** The history is over. */
  end(): void {
    this.kill();
    this.#bundles.giveBack();
  }

  /** A call to AWS of nobody's: no time passes, and nothing goes wrong. @returns the answer's body */
  async ask(
    service: "efs" | "ecs",
    request: { method: string; path: string; headers?: Record<string, string>; body?: string },
  ): Promise<string> {
    const { api } = this.cloud?.services[service] ?? {};
    const { headers = {}, body = "" } = request;
    const answer = await api?.handle({
      service,
      query: new URLSearchParams(),
      ...request,
      headers,
      body: Buffer.from(body),
    });
    return String(answer?.body);
  }

  note(from: string, text: string): void {
    this.log.push({ at: this.clock.now(), from, text });
  }

  async #answer(
    timeline: Timeline,
    turns: CallTurns,
    process: Process,
    request: OutgoingRequest,
  ): Promise<IncomingAnswer> {
    const isOfProvider = request.host === new URL(this.#issuer).host;
    const isOutside = isOfProvider || [GIT_HOST, CLOUDFORMATION_HOST].includes(request.host);
    const { service, operation } = describeCall(request);
    await turns.take(`${process.requestId} ${operation}`);
    if (process.isDead) return never();
    const { faults } = this;
    const fault = isOutside && !isOfProvider ? undefined : faults.at("call");
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1);
    if (fault?.name === "throttled") this.#throttled = { service, calls: fault.times };
    await this.#pass(timeline, fault?.name === "slow before" ? fault.ms : this.#latency.between(1, 12));
    if (process.isDead) return never();
    if (fault?.name === "killed before a call") return end(process, true);
    if (fault?.name === "hung before a call") return end(process, false);
    if (fault?.name === "server error") return failure(500, "InternalServerError");
    if (this.#throttled.calls > 0 && this.#throttled.service === service && !faults.isOver && !isOutside) {
      this.#throttled.calls -= 1;
      return failure(400, service === "dynamodb" ? "ProvisionedThroughputExceededException" : "ThrottlingException");
    }
    const answer = isOutside ? this.#answerOutside(request) : await this.#perform(process, request, operation);
    if (fault?.name === "killed after a call") return end(process, true);
    if (fault?.name === "hung after a call") return end(process, false);
    const restMs =
      fault?.name === "slow after" ? fault.ms : this.#latency.chance(0.3) ? this.#latency.between(1, 20) : 0;
    if (restMs > 0) await this.#pass(timeline, restMs);
    if (process.isDead) return never();
    if (fault?.name === "answer lost") throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    return answer;
  }

  get #issuer(): string {
    return this.#options.issuer ?? "http://issuer.example";
  }

  async #answerOutside(request: OutgoingRequest): Promise<IncomingAnswer> {
    if (request.host === GIT_HOST) return answerGit(request);
    if (request.host === new URL(this.#issuer).host) {
      const asked = forward(this.#issuer, request);
      this.clock.hold(asked);
      return asked;
    }
    this.told.push(request.body.toString());
    return { status: 200, headers: {}, body: "" };
  }

  async #perform(process: Process, request: OutgoingRequest, operation: string): Promise<IncomingAnswer> {
    const perform = async (changed?: Record<string, unknown>, other?: string): Promise<IncomingAnswer> => {
      const [path = "/", search = ""] = request.path.split("?");
      const { endpoint } = this.cloud?.services ?? {};
      if (endpoint === undefined) return never();
      return endpoint.answer({
        method: request.method,
        path,
        query: new URLSearchParams(search),
        headers: {
          ...request.headers,
          ...(other === undefined ? {} : { "x-amz-target": `Service.${other}` }),
          authorization: signedBy(process.definition, request.headers.authorization ?? ""),
        },
        body: changed === undefined ? request.body : Buffer.from(JSON.stringify(changed)),
      });
    };
    const { tamper } = this.#options;
    if (tamper === undefined) return perform();
    const input = request.headers["x-amz-target"]
      ? (JSON.parse(request.body.toString()) as Record<string, unknown>)
      : {};
    return (
      (await tamper({ functionName: process.functionName, operation, input }, request, perform, this)) ?? perform()
    );
  }

  #pass(timeline: Timeline, ms: number): Promise<void> {
    return new Promise((resolve) => timeline.setTimeout(resolve, ms));
  }
}

/** One for each who waits: a promise remembers all who wait for it, and they all that they know. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

function end(process: Process, isSeen: boolean): Promise<never> {
  process.kill(isSeen ? exited : undefined);
  return never();
}
