import { join } from "node:path";
import { createServices, type Services, type ServicesOptions } from "./create-services.ts";
import type { Engine } from "./ecs/engine.ts";
import type { Volumes } from "./ecs/engines/process/task-folders.ts";
import { createFrontDoor } from "./front-door/create-front-door.ts";
import type { FunctionRuntime } from "./lambda/function-runtime.ts";
import { createOidcProvider } from "./oidc/create-oidc-provider.ts";
import { startRememberedProvider } from "./oidc/remember-issuer.ts";
import type { Clock, Logger, RandomSource, ServiceContext } from "./service.ts";
import { createStartingSite } from "./starting-site.ts";
import { buildRegistry } from "./template/check-template.ts";
import { deployTemplate, type Stack } from "./template/deploy-template.ts";
import type { Synthesized } from "./template/load-template.ts";
import { resolveParameters } from "./template/resolve-parameters.ts";

export interface CloudOptions {
  readonly synthesized: Synthesized;
  /** Values of the template's parameters, once the addresses are known. */
  parameters(addresses: Addresses): Readonly<Record<string, string>>;
  /** Who people sign in through. Without one, there is no OpenID provider, and `issuer` is empty. */
  readonly openIdClient?: OpenIdClient | undefined;
  /** Folder of all state; `undefined` for a cloud in memory. */
  readonly stateDirectory: string | undefined;
  /** Of the front door; 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  readonly runtime: FunctionRuntime;
  engine(context: ServiceContext, volumes: Volumes): Promise<Engine>;
  /** `false`: nothing listens on the machine, and requests are handed over within the process. */
  readonly listens?: boolean | undefined;
  /** What keeps the tables, in place of dynalite. */
  readonly openTables?: ServicesOptions["openTables"];
}

export interface Addresses {
  /** Of the front door. */
  readonly port: number;
  /** Origin of the OpenID provider. */
  readonly issuer: string;
}

/** The one client of the embedded OpenID provider. */
export interface OpenIdClient {
  readonly id: string;
  /** Name of the SSM parameter that its secret is put into, made anew at each start. */
  readonly secretParameter: string;
  redirectUris(port: number): readonly string[];
}

export interface Cloud {
  /** Of the front door; known after `start`. */
  readonly port: number;
  readonly services: Services;
  readonly stack: Stack | undefined;
  /** Deploys the template and starts everything; on failure, nothing is left running. */
  start(): Promise<void>;
  /** Ends everything in reverse order; what fails to end is in the log and keeps nothing else from ending. */
  stop(): Promise<void>;
}

const region = "us-east-1";
const accountId = "000000000000";

/** The embedded cloud: a synthesized template, run on this machine. */
export async function createCloud(options: CloudOptions): Promise<Cloud> {
  const { synthesized, log } = options;
  const { stackName, template, assets } = synthesized;
  const services = await createServices(contextOf, {
    stackName,
    assets,
    runtime: options.runtime,
    engine: (volumes) => options.engine(contextOf("engine"), volumes),
    openTables: options.openTables,
  });
  let ready = false;
  const startingSite = createStartingSite();
  const frontDoor = createFrontDoor(contextOf("front-door"), {
    port: options.port,
    find: (name) => (ready ? services.cloudfront.find(name) : startingSite),
  });
  let stack: Stack | undefined;
  const stops: { name: string; stop(): Promise<void> }[] = [];

  function contextOf(name: string): ServiceContext {
    const bind =
      (level: keyof Logger) =>
      (message: string, fields: Record<string, unknown> = {}): void =>
        log[level](message, { service: name, ...fields });
    return {
      clock: options.clock,
      random: options.random,
      log: { info: bind("info"), warn: bind("warn"), error: bind("error") },
      stateDirectory: options.stateDirectory === undefined ? undefined : join(options.stateDirectory, name),
      region,
      accountId,
      listens: options.listens,
    };
  }

  async function start(): Promise<void> {
    // Services have opened their files already, so each is stopped even if it never started. The endpoint is the last to
    // end: until then, somebody may still call.
    stops.push({ name: "endpoint", stop: services.endpoint.close });
    for (const service of services.all) stops.push({ name: service.name, stop: async () => service.stop?.() });
    stops.push({ name: "front-door", stop: frontDoor.stop });
    // First, since a taken port is what fails most often, and the parameters name it.
    if (options.listens !== false) {
      await frontDoor.start();
      await services.endpoint.listen();
    }
    const issuer = options.openIdClient === undefined ? "" : await startProvider(options.openIdClient);
    stack = await deployTemplate({
      template,
      stackName,
      region,
      accountId,
      parameters: resolveParameters(template, options.parameters({ port: frontDoor.port, issuer })),
      registry: buildRegistry(services.all.map((service) => service.resources)),
    });
    await services.cloudformation.deleteOrphans(new Set(stack.resources.keys()));
    for (const service of services.starting) await service.start?.();
    ready = true;
  }

  async function startProvider(client: OpenIdClient): Promise<string> {
    const context = contextOf("oidc");
    const clientSecret = options.random.bytes(32).toString("base64url");
    // The next port, so that the two are seen to belong together.
    const preferred = options.port === 0 ? 0 : frontDoor.port + 1;
    const redirectUris = client.redirectUris(frontDoor.port);
    const provider = await startRememberedProvider(context, preferred, (port) =>
      createOidcProvider(context, { port, redirectUris, clientId: client.id, clientSecret }),
    );
    stops.push({ name: "oidc", stop: provider.stop });
    services.ssm.putSecret(client.secretParameter, clientSecret);
    return provider.issuer;
  }

  async function stop(): Promise<void> {
    ready = false;
    for (const { name, stop: stopOne } of stops.splice(0).reverse()) {
      try {
        await stopOne();
      } catch (error) {
        log.error(`${name} did not end in order`, { service: name, error: String(error) });
      }
    }
  }

  return {
    get port() {
      return frontDoor.port;
    },
    get stack() {
      return stack;
    },
    services,
    async start() {
      try {
        await start();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}
