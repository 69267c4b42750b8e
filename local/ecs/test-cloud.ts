/** What the tests of compute services share: a cloud of ECS, EFS and EC2 with real processes, reached by the real SDK. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import { EFSClient } from "@aws-sdk/client-efs";
import { realClock, realRandom } from "../clock.ts";
import { createEc2 } from "../ec2/create-ec2.ts";
import { createEfs, type Efs } from "../efs/create-efs.ts";
import { createLogger } from "../log.ts";
import type { Clock, Service, ServiceContext } from "../service.ts";
import { createEcs, type Ecs } from "./create-ecs.ts";
import type { Engine } from "./engine.ts";
import { selectEngine } from "./engines/select-engine.ts";

export interface TaskEvent {
  readonly source: string;
  readonly "detail-type": string;
  readonly resources?: readonly string[];
  readonly detail: Record<string, unknown> & {
    readonly lastStatus: string;
    readonly version: number;
    readonly taskArn: string;
  };
}

export interface TestCloud {
  readonly ecs: Ecs;
  readonly efs: Efs;
  readonly events: readonly TaskEvent[];
  readonly client: ECSClient;
  readonly efsClient: EFSClient;
  readonly ec2Client: EC2Client;
  readonly fileSystemId: string;
  readonly log: readonly string[];
  /** Waits for an event, or for what has come already. */
  until(what: (event: TaskEvent) => boolean, description?: string): Promise<TaskEvent>;
  stop(): Promise<void>;
  /** As when the program is killed: nothing of the services is told. */
  abandon(): Promise<void>;
}

export interface TestCloudOptions {
  /** A Node script that is the image's entry point. */
  readonly script?: string;
  readonly stateDirectory?: string;
  readonly clock?: Clock;
  readonly engine?: Engine;
}

export async function startTestCloud(options: TestCloudOptions = {}): Promise<TestCloud> {
  const folder = await mkdtemp(path.join(tmpdir(), "atelier-test-"));
  const log: string[] = [];
  const logger = createLogger((level, message, fields) => log.push(`${level} ${message} ${JSON.stringify(fields)}`));
  const contextOf = (name: string): ServiceContext => ({
    clock: options.clock ?? realClock,
    random: realRandom,
    log: logger,
    stateDirectory: options.stateDirectory && path.join(options.stateDirectory, name),
    region: "us-east-1",
    accountId: "111122223333",
  });
  const events: TaskEvent[] = [];
  const waiting = new Set<() => void>();
  const sink = {
    put(event: unknown) {
      events.push(event as TaskEvent);
      for (const look of waiting) look();
    },
  };

  const efs = await createEfs(contextOf("efs"));
  const fileSystem = await efs.resources["AWS::EFS::FileSystem"]?.deploy("Files", {}, "AWS::EFS::FileSystem");
  const imageFile = path.join(folder, "image.json");
  await writeFile(path.join(folder, "main.mjs"), options.script ?? "setInterval(() => {}, 1000);");
  await writeFile(imageFile, JSON.stringify(testImage));
  const engine =
    options.engine ??
    (await selectEngine("auto", {
      clock: realClock,
      log: logger,
      stateDirectory: options.stateDirectory && path.join(options.stateDirectory, "process"),
      imageFile,
      placeholders: { NODE: process.execPath, ROOT: folder },
      volumes: efs,
    }));
  const ecs = await createEcs(contextOf("ecs"), { engine, events: sink });
  await ecs.resources["AWS::ECS::Cluster"]?.deploy("Cluster", { ClusterName: "atelier" }, "AWS::ECS::Cluster");
  await ecs.start?.();
  const ec2 = createEc2(contextOf("ec2"), { interfaces: ecs.interfaces });

  const server = await serve([ecs, efs, ec2]);
  const { port } = server.address() as AddressInfo;
  const clientOptions = {
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  };
  const clients = {
    client: new ECSClient(clientOptions),
    efsClient: new EFSClient(clientOptions),
    ec2Client: new EC2Client(clientOptions),
  };
  async function abandon(): Promise<void> {
    for (const client of Object.values(clients)) client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }

  return {
    ecs,
    efs,
    events,
    ...clients,
    fileSystemId: fileSystem?.ref ?? "",
    log,
    until(what, description = "event") {
      return new Promise((resolve, reject) => {
        const statuses = () => events.map(({ detail }) => `${detail.lastStatus} ${detail.version}`).join(", ");
        const fail = () => reject(new Error(`no ${description} within 10 s; there were: ${statuses()}`));
        const deadline = setTimeout(fail, 10_000);
        const look = () => {
          const found = events.find(what);
          if (found === undefined) return;
          waiting.delete(look);
          clearTimeout(deadline);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    async stop() {
      await ecs.stop?.();
      await efs.stop?.();
      await abandon();
    },
    abandon,
  };
}

const testImage = {
  repository: "atelier/workspace",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of the image file
  entrypoint: ["${NODE}", "${ROOT}/main.mjs"],
  environment: { PATH: process.env.PATH ?? "", TEST_SCRATCH: "/scratch", FROM_IMAGE: "image", OVERRIDDEN: "image" },
  scratch: "/scratch",
};

/** A definition as the template gives it, one container with an EFS volume. */
export function testDefinition(fileSystemId: string, accessPointId: string) {
  return {
    family: "atelier-ws-test",
    cpu: "1024",
    memory: "2048",
    networkMode: "awsvpc" as const,
    requiresCompatibilities: ["FARGATE" as const],
    runtimePlatform: { cpuArchitecture: "ARM64" as const, operatingSystemFamily: "LINUX" as const },
    containerDefinitions: [
      {
        name: "workspace",
        image: "111122223333.dkr.ecr.us-east-1.amazonaws.com/atelier/workspace:latest",
        essential: true,
        stopTimeout: 2,
        environment: [
          { name: "TEST_VOLUME", value: "/workspace" },
          { name: "OVERRIDDEN", value: "definition" },
        ],
        mountPoints: [{ sourceVolume: "workspace", containerPath: "/workspace", readOnly: false }],
      },
    ],
    volumes: [
      {
        name: "workspace",
        efsVolumeConfiguration: {
          fileSystemId,
          transitEncryption: "ENABLED" as const,
          authorizationConfig: { accessPointId, iam: "DISABLED" as const },
        },
      },
    ],
  };
}

export function testRun(more: Partial<RunTaskCommandInput> = {}): RunTaskCommandInput {
  return {
    cluster: "atelier",
    taskDefinition: "atelier-ws-test",
    launchType: "FARGATE",
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], assignPublicIp: "ENABLED" } },
    ...more,
  };
}

async function serve(services: readonly Service[]): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", "http://localhost");
    const headers = request.headers as Record<string, string>;
    const service = /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "";
    const api = services.find((each) => each.api?.signingName === service)?.api;
    const answer = await api?.handle({
      service,
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer?.status ?? 404, answer?.headers);
    response.end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
