/** The whole cloud in this process, on simulated time, with the latencies and quotas of the model: `test/faults/` without faults. */
import type { ApiGateway } from "#local/apigateway/create-apigateway.ts";
import { type Cloud, createCloud } from "#local/cloud.ts";
import type { Engine } from "#local/ecs/engine.ts";
import { TokenBucket } from "#local/ecs/token-bucket.ts";
import { readLocalParameters } from "#local/read-local-parameters.ts";
import type { Logger } from "#local/service.ts";
import { describeCall, signedBy } from "../faults/describe-call.ts";
import { queueArns } from "../faults/disturb-deliveries.ts";
import { FaultInjector } from "../faults/faults.ts";
import { answerGit, GIT_HOST } from "../faults/git-host.ts";
import type { IncomingAnswer, OutgoingRequest } from "../faults/http-modules.ts";
import { createInProcessRuntime, LoadedBundles, type Process, shortName } from "../faults/in-process-runtime.ts";
import { Machines } from "../faults/machines.ts";
import { MemoryTables } from "../faults/memory-tables.ts";
import { Network } from "../faults/network.ts";
import { ROOT, readTemplate } from "../faults/read-template.ts";
import { SeededRandom } from "../faults/seeded-random.ts";
import { SimulatedClock } from "../faults/simulated-clock.ts";
import { bootSupervisor } from "../faults/supervisor.ts";
import { ROOT_SECRET } from "../faults/world.ts";
import { meterFunctions, Processor } from "./scale-functions.ts";
import { Meter } from "./scale-meter.ts";
import { EVENT_MS, LATENCY_MS, POLL_MS, PRICES, QUOTAS, SPREAD } from "./scale-model.ts";

export class ScaleWorld {
  readonly clock = new SimulatedClock(Date.UTC(2026, 0, 1));
  readonly time = this.clock.timeline();
  readonly tables = new MemoryTables();
  readonly meter = new Meter();
  readonly processor = new Processor();
  readonly network: Network;
  readonly machines: Machines;
  /** Warnings and errors, by their text without ids. */
  readonly complaints = new Map<string, number>();
  readonly functions: ReturnType<typeof meterFunctions>;
  readonly #random = new SeededRandom("scale", "latency");
  readonly #interfaces = new TokenBucket(QUOTAS.describeInterfaces, 0);
  #cloud: Cloud | undefined;
  #gateway: ApiGateway | undefined;

  constructor(concurrency: number) {
    const { time, meter, processor } = this;
    const faults = new FaultInjector([]);
    const outside = { clock: time, faults };
    this.network = new Network({ ...outside, random: new SeededRandom("scale", "network") });
    const nothing = (): void => undefined;
    const supervisors = { clock: time, random: new SeededRandom("scale", "supervisors"), network: this.network };
    this.machines = new Machines({
      ...outside,
      random: new SeededRandom("scale", "machines"),
      boot: (container) =>
        bootSupervisor(
          {
            ...supervisors,
            // As the real one.
            progressMs: 1_000,
            volumes: this.machines.volumes,
            onSaved: nothing,
            onOpened: nothing,
            onIdentity: nothing,
          },
          container,
        ),
    });
    const random = new SeededRandom("scale", "functions");
    const inner = createInProcessRuntime({
      isLive: () => true,
      clock: time,
      bundles: new LoadedBundles("scale"),
      randomFor: () => random,
      answer: (process, request) => this.#answer(process, request),
      removeDirectory: nothing,
      output: (_functionName, line) => this.#log(line),
    });
    this.functions = meterFunctions(inner, { clock: time, meter, processor, concurrency });
  }

  get cloud(): Cloud {
    if (this.#cloud === undefined) throw new Error("The cloud is not there yet.");
    return this.#cloud;
  }

  async start(): Promise<void> {
    const local = readLocalParameters(ROOT);
    const cloud = await createCloud({
      synthesized: readTemplate(),
      parameters: ({ port }) => local.parameters({ port, issuer: "http://issuer.example" }),
      stateDirectory: undefined,
      port: 4_000,
      clock: this.time,
      random: new SeededRandom("scale", "cloud"),
      log: this.#logger(),
      runtime: this.functions,
      engine: async (): Promise<Engine> =>
        this.machines.engine(
          async (accessPoint) => accessPoint,
          () => true,
        ),
      listens: false,
      openTables: async () => this.tables.open(() => true),
    });
    this.#cloud = cloud;
    cloud.services.ssm.putSecret("/atelier/root-key", JSON.stringify({ current: ROOT_SECRET }));
    this.#delayEvents(cloud);
    await cloud.start();
    this.#meterQueues(cloud);
    this.#limitGateway(cloud);
  }

  get tableName(): string {
    return this.functions.definitions.find(({ environment }) => environment.TABLE_NAME)?.environment.TABLE_NAME ?? "";
  }

  /** All sockets end at this moment, and so does every request that is under way. */
  cutSockets(): void {
    this.network.detach();
    if (this.#gateway) this.network.attach(this.#gateway);
  }

  /** @returns its id */
  async prepareAccessPoint(clientToken: string, directory: string): Promise<string> {
    const environment = this.functions.definitions.find(
      ({ environment: { FILE_SYSTEM_ID } }) => FILE_SYSTEM_ID,
    )?.environment;
    const body = {
      ClientToken: clientToken,
      FileSystemId: environment?.FILE_SYSTEM_ID,
      PosixUser: { Uid: 1_000, Gid: 1_000 },
      RootDirectory: {
        Path: `/workspaces/${directory}`,
        CreationInfo: { OwnerUid: 1_000, OwnerGid: 1_000, Permissions: "0750" },
      },
    };
    return String((await this.prepare("elasticfilesystem", "", body, "/2015-02-01/access-points")).AccessPointId);
  }

  /** A call to AWS that nobody waits for and that costs nothing: to prepare what is measured. @throws Error what AWS says */
  async prepare(service: string, target: string, input: object, path = "/"): Promise<Record<string, unknown>> {
    const key = this.functions.definitions.find(({ name }) => shortName(name) === "DriveWorkspace");
    const authorization = `AWS4-HMAC-SHA256 Credential=${key?.environment.AWS_ACCESS_KEY_ID}/20260101/us-east-1/${service}/aws4_request`;
    const answer = await this.cloud.services.endpoint.answer({
      method: "POST",
      path,
      query: new URLSearchParams(),
      headers: { ...(target ? { "x-amz-target": target } : {}), authorization },
      body: Buffer.from(JSON.stringify(input)),
    });
    const body = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    if (answer.status >= 300) throw new Error(`${target}: ${JSON.stringify(body)}`);
    return body;
  }

  async #answer(process: Process, request: OutgoingRequest): Promise<IncomingAnswer> {
    const { processor, meter } = this;
    const workMs = processor.charge(process.definition);
    const isGit = request.host === GIT_HOST;
    const { service, operation } = describeCall(request);
    meter.add(`${service} ${operation}`);
    await this.#pass(workMs + this.#latency(service, operation));
    if (isGit) return answerGit(request);
    if (operation === "DescribeNetworkInterfaces" && !this.#interfaces.take(this.clock.now())) return throttledByEc2;
    const [path = "/", search = ""] = request.path.split("?");
    const answer = await this.cloud.services.endpoint.answer({
      method: request.method,
      path,
      query: new URLSearchParams(search),
      headers: { ...request.headers, authorization: signedBy(process.definition, request.headers.authorization ?? "") },
      body: request.body,
    });
    if (answer.status >= 400) meter.add(`refused ${operation} ${answer.status}`);
    if (service === "dynamodb") {
      meter.read(operation, request.body, Buffer.byteLength(answer.body));
    } else if (service === "execute-api") meter.add("socket messages", 1, PRICES.socketMessage, "sockets");
    else if (service === "events") meter.add("own events", 1, PRICES.ownEvent, "events");
    processor.skip();
    return { ...answer, body: Buffer.from(answer.body) };
  }

  #latency(service: string, operation: string): number {
    const table: Readonly<Record<string, number>> = LATENCY_MS;
    const ms = table[operation] ?? table[service] ?? LATENCY_MS.ecs;
    const slow = this.#random.chance(1 / SPREAD.slowOneIn) ? SPREAD.slowFactor : 1;
    return ms * slow * (SPREAD.from + (SPREAD.to - SPREAD.from) * this.#random.fraction());
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.time.setTimeout(resolve, ms));
  }

  #log(line: string): void {
    this.meter.add("log bytes", Buffer.byteLength(line), PRICES.logByte, "logs");
    try {
      const { level, message, error } = JSON.parse(line) as Record<string, unknown>;
      const name = (error as { name?: string } | undefined)?.name ?? "";
      if (level !== "INFO" && level !== "info") this.#complain(`${message} ${name}`);
    } catch {
      this.#complain(line.slice(0, 100));
    }
  }

  #complain(text: string): void {
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1);
  }

  #logger(): Logger {
    const write = (message: string): void => this.#complain(`local: ${message.slice(0, 120)}`);
    return { info: () => undefined, warn: write, error: write };
  }

  #delayEvents(cloud: Cloud): void {
    const bus = cloud.services.all.find(({ name }) => name === "events") as unknown as { put(event: unknown): void };
    const put = bus.put.bind(bus);
    bus.put = (event) => {
      this.meter.add("events of ECS");
      this.time.setTimeout(() => put(event), EVENT_MS * (0.5 + this.#random.fraction()));
    };
  }

  #meterQueues(cloud: Cloud): void {
    for (const arn of queueArns(cloud)) {
      const queue = cloud.services.sqs.queue(arn);
      if (queue === undefined) continue;
      const send = queue.send.bind(queue);
      const receive = queue.receive.bind(queue);
      const add = (count: number): void => this.meter.add("queue requests", count, PRICES.queueRequest, "queue");
      queue.send = (body, delayMs, attributes) => {
        add(1);
        this.meter.add("messages");
        return send(body, (delayMs ?? 0) + POLL_MS, attributes);
      };
      queue.receive = (limit, timeoutMs) => {
        const messages = receive(limit, timeoutMs);
        // A batch is received and removed by one request each.
        if (messages.length > 0) add(2);
        return messages;
      };
    }
  }

  #limitGateway(cloud: Cloud): void {
    const gateway = cloud.services.apigateway;
    const connections = new TokenBucket(QUOTAS.connections, this.clock.now());
    const requests = new TokenBucket(QUOTAS.requests, this.clock.now());
    const { meter, time } = this;
    const limited: ApiGateway = {
      ...gateway,
      domainNames: (protocol) => gateway.domainNames(protocol),
      async request(domain, request) {
        if (!requests.take(time.now())) {
          meter.add("requests over the quota");
          return { status: 429, headers: {}, body: Buffer.from("{}") };
        }
        meter.add("HTTP requests", 1, PRICES.httpRequest, "HTTP API");
        meter.add("edge requests", 1, PRICES.edgeRequest, "CloudFront");
        return gateway.request(domain, request);
      },
      async connect(domain, request, socket) {
        if (!connections.take(time.now())) {
          meter.add("connections over the quota");
          return 429;
        }
        meter.add("connections");
        meter.add("edge requests", 1, PRICES.edgeRequest, "CloudFront");
        const opened = await gateway.connect(domain, request, socket);
        if (typeof opened === "number") return opened;
        return {
          ...opened,
          message: (bytes) => {
            meter.add("socket messages", 1, PRICES.socketMessage, "sockets");
            opened.message(bytes);
          },
        };
      },
    };
    this.#gateway = limited;
    this.network.attach(limited);
  }
}

const throttledByEc2: IncomingAnswer = {
  status: 503,
  headers: { "content-type": "text/xml" },
  body: "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors></Response>",
};
