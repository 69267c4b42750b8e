import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Task } from "./task.ts";

/**
 * The task metadata endpoint, version 4: tells a container its address. Every task's path is unguessable, since on a laptop all
 * tasks share loopback. It listens from the first task on.
 */
export class MetadataEndpoint {
  readonly #tasks = new Map<string, Task>();
  readonly #listens: boolean;
  #listening: Promise<Server> | undefined;

  /** @param listens `false`: containers of this cloud do not ask by HTTP */
  constructor(listens = true) {
    this.#listens = listens;
  }

  /** @returns what `ECS_CONTAINER_METADATA_URI_V4` is to say */
  async add(task: Task): Promise<string> {
    this.#tasks.set(task.metadataToken, task);
    if (!this.#listens) return `http://127.0.0.1/v4/${task.metadataToken}`;
    this.#listening ??= listen((request, response) => this.#answer(request, response));
    const { port } = (await this.#listening).address() as AddressInfo;
    return `http://127.0.0.1:${port}/v4/${task.metadataToken}`;
  }

  remove(task: Task): void {
    this.#tasks.delete(task.metadataToken);
  }

  async close(): Promise<void> {
    const server = await this.#listening;
    this.#listening = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, version, token, resource, ...rest] = (request.url ?? "").split("?", 1)[0]?.split("/") ?? [];
    const task = version === "v4" ? this.#tasks.get(token ?? "") : undefined;
    const body = task === undefined || rest.length > 0 ? undefined : view(task, resource);
    const status = request.method !== "GET" ? 405 : body === undefined ? 404 : 200;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 200 ? JSON.stringify(body) : "");
  }
}

function view(task: Task, resource: string | undefined): unknown {
  if (resource === undefined || resource === "") return containerView(task);
  return resource === "task" ? taskView(task) : undefined;
}

function containerView(task: Task): Record<string, unknown> {
  const { container, networkInterface } = task;
  return {
    DockerId: container.runtimeId,
    Name: container.name,
    DockerName: container.name,
    Image: container.image,
    Labels: {
      "com.amazonaws.ecs.cluster": task.clusterArn,
      "com.amazonaws.ecs.container-name": container.name,
      "com.amazonaws.ecs.task-arn": task.taskArn,
      "com.amazonaws.ecs.task-definition-family": task.family,
      "com.amazonaws.ecs.task-definition-version": task.taskDefinitionArn.split(":").at(-1),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: container.lastStatus,
    CreatedAt: new Date(task.createdAt).toISOString(),
    Type: "NORMAL",
    ContainerARN: container.containerArn,
    Networks:
      networkInterface === undefined
        ? []
        : [
            {
              NetworkMode: "awsvpc",
              IPv4Addresses: [networkInterface.privateAddress],
              AttachmentIndex: 0,
              MACAddress: networkInterface.macAddress,
            },
          ],
  };
}

function taskView(task: Task): Record<string, unknown> {
  return {
    Cluster: task.clusterArn,
    TaskARN: task.taskArn,
    Family: task.family,
    Revision: task.taskDefinitionArn.split(":").at(-1),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Limits: { CPU: Number(task.cpu) / 1_024, Memory: Number(task.memory) },
    AvailabilityZone: `${task.taskArn.split(":")[3]}a`,
    LaunchType: "FARGATE",
    Containers: [containerView(task)],
  };
}

function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}
