import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { AtelierFunction, type AtelierFunctionProps } from "./atelier-function.ts";
import { allow, type Binding } from "./binding.ts";
import type { Bus } from "./bus.ts";
import { DeadLetters } from "./dead-letters.ts";
import type { FileSystem } from "./file-system.ts";
import { DRIVER_TIMEOUT, type LaunchQueue } from "./launch-queue.ts";
import type { Network } from "./network.ts";
import type { Parameters } from "./parameters.ts";
import { readRootKey } from "./root-key.ts";
import type { SocketApi } from "./socket-api.ts";
import type { Table } from "./table.ts";
import type { WorkspaceTasks } from "./workspace-tasks.ts";

export interface ControlPlaneProps {
  readonly buildDirectory: string;
  /** What `GET /version` calls this deployment. */
  readonly release: string;
  readonly parameters: Parameters;
  readonly network: Network;
  readonly table: Table;
  readonly bus: Bus;
  readonly launchQueue: LaunchQueue;
  readonly fileSystem: FileSystem;
  readonly tasks: WorkspaceTasks;
  readonly socketApi: SocketApi;
}

/** Events are repeated twice within the hour; then they rest where an alarm sees them. */
const REPEATED = { retryAttempts: 2, maxEventAge: Duration.hours(1) };

/** The functions that answer people, supervisors and AWS, and what each may use. */
export class ControlPlane extends Construct {
  readonly onRequest: AtelierFunction;
  readonly onConnect: AtelierFunction;
  readonly onMessage: AtelierFunction;
  readonly onDisconnect: AtelierFunction;
  readonly signIn: AtelierFunction;
  readonly enter: AtelierFunction;
  readonly version: AtelierFunction;
  readonly driveWorkspace: AtelierFunction;
  readonly onTaskChange: AtelierFunction;
  readonly sweep: AtelierFunction;
  readonly removeDirectory: AtelierFunction;

  readonly #buildDirectory: string;

  constructor(scope: Construct, id: string, props: ControlPlaneProps) {
    super(scope, id);
    this.#buildDirectory = props.buildDirectory;
    const { parameters, network, fileSystem, tasks } = props;
    const items = props.table.items;
    const launches = props.launchQueue.send;
    const connections = props.socketApi.connections;
    const rootKey = readRootKey(this);
    const addresses: Binding = {
      environment: {
        DASHBOARD_ORIGIN: parameters.dashboardOrigin,
        WORKSPACE_HOST_SUFFIX: parameters.workspaceHostSuffix,
      },
    };
    const limits: Binding = {
      environment: {
        MAX_RUNNING_INSTANCES: parameters.maxRunningInstances,
        PRIVATE_GIT_HOSTS: parameters.privateGitHosts,
      },
    };
    // Who reaches a task by its public name; this action knows no resources.
    const interfaces: Binding = { statements: [allow(["ec2:DescribeNetworkInterfaces"], ["*"])] };
    const failures = new DeadLetters(this, "FailedEvents", {
      meaning: "A function failed three times with an event. The sweeper repairs what it can.",
    });

    const answering = {
      // A Git host has 15 s to answer, and a person must hear that it did not.
      timeout: Duration.seconds(25),
      // One whole processor: people wait for these, also while they are loaded.
      memorySize: 1769,
    };
    this.onRequest = this.#add("on-request", "POST /rpc", answering);
    this.onRequest.bind(items, launches, rootKey, connections, addresses, limits);
    this.onMessage = this.#add("on-message", "Messages of a socket", answering);
    this.onMessage.bind(items, launches, rootKey, connections, addresses, limits);
    this.onConnect = this.#add("on-connect", "A socket opens", { timeout: Duration.seconds(10) });
    this.onConnect.bind(items, addresses);
    this.onDisconnect = this.#add("on-disconnect", "A socket closed", { timeout: Duration.seconds(10) });
    this.onDisconnect.bind(items);
    this.signIn = this.#add("sign-in", "Sign-in with OpenID Connect", { timeout: Duration.seconds(25) });
    this.signIn.bind(items, rootKey, addresses, parameters.openIdProvider, parameters.openIdClient);
    this.enter = this.#add("enter", "From the dashboard into a workspace", { timeout: Duration.seconds(10) });
    this.enter.bind(items, rootKey, addresses, parameters.openIdProvider);
    this.version = this.#add("version", "GET /version", { timeout: Duration.seconds(5), memorySize: 256 });
    this.version.bind({ environment: { RELEASE: props.release } }, parameters.openIdProvider);

    this.driveWorkspace = this.#add("drive-workspace", "Takes a workspace's next step", {
      timeout: DRIVER_TIMEOUT,
      // Ten workspaces at once share its processor: with less, thousands that come at once wait for it rather than for AWS.
      memorySize: 1024,
    });
    this.driveWorkspace.bind(
      items,
      launches,
      props.bus.put,
      fileSystem.accessPoints,
      tasks.launch,
      rootKey,
      connections,
      addresses,
      interfaces,
    );
    props.launchQueue.drive(this.driveWorkspace);
    this.onTaskChange = this.#add("on-task-change", "ECS said something of a task", {
      timeout: Duration.seconds(30),
      asynchronous: { ...REPEATED, failures },
    });
    this.onTaskChange.bind(items, launches, connections, addresses, interfaces);
    this.sweep = this.#add("sweep", "Repairs what was torn, each minute", {
      timeout: Duration.seconds(55),
      // The next one comes within a minute.
      asynchronous: { retryAttempts: 0, maxEventAge: Duration.minutes(1), failures },
    });
    this.sweep.bind(items, launches, connections, tasks.watch, addresses);

    const { mount, binding } = fileSystem.directories("/mnt/workspaces");
    this.removeDirectory = this.#add("remove-directory", "Deletes what a workspace left on the file system", {
      timeout: Duration.minutes(15),
      asynchronous: { ...REPEATED, failures },
      network: { vpc: network.vpc, securityGroup: network.janitorSecurityGroup, mount },
    });
    this.removeDirectory.bind(binding);
  }

  #add(
    name: string,
    description: string,
    props: Omit<AtelierFunctionProps, "name" | "description" | "buildDirectory">,
  ): AtelierFunction {
    return new AtelierFunction(this, pascalCase(name), {
      name,
      description,
      buildDirectory: this.#buildDirectory,
      ...props,
    });
  }
}

function pascalCase(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
