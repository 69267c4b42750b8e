import { describe, expect, it } from "vitest";
import { deriveFrom, parseRootKey, type RootKey } from "#functions/runtime/derive-keys.ts";
import type { FunctionInvoker, InvokeResult } from "#local/service.ts";
import { CLOUDFORMATION_HOST } from "./describe-call.ts";
import type { Fault } from "./faults.ts";
import { World } from "./world.ts";

const PARAMETER = "/atelier/root-key";
const CALLS = [
  "killed before a call",
  "killed after a call",
  "answer lost",
  "server error",
  "slow before",
  "slow after",
] as const;

/** A deployment's keys, in a cloud in which things go wrong. */
class Deployment {
  readonly world: World;
  #functionArn = "";
  #storeArn = "";
  #requests = 0;

  constructor(seed: string, faults: readonly Fault[]) {
    const nothing = (): void => undefined;
    const onSupervisor = { onSaved: nothing, onOpened: nothing, onIdentity: nothing };
    this.world = new World({ seed, faults, hasKeys: false, onSupervisor });
  }

  async start(): Promise<void> {
    await this.world.start();
    const resources = [...(this.world.cloud?.stack?.resources.entries() ?? [])];
    const arnOf = (name: RegExp): string => String(resources.find(([id]) => name.test(id))?.[1].attributes?.Arn);
    this.#functionArn = arnOf(/^DeploymentMakeKeysFunction[0-9A-F]{8}$/);
    this.#storeArn = arnOf(/^WorkspacesStore[0-9A-F]{8}$/);
  }

  /** As CloudFormation asks for it. @returns whether it is done */
  async ask(generation: string): Promise<boolean> {
    const functions = this.world.cloud?.services.all.find(
      ({ name }) => name === "lambda",
    ) as unknown as FunctionInvoker;
    let result: InvokeResult | undefined;
    this.#requests += 1;
    const requestId = `request-${this.#requests}`;
    void functions
      .invoke(this.#functionArn, {
        RequestType: "Update",
        ResponseURL: `https://${CLOUDFORMATION_HOST}/answer`,
        StackId: "s",
        RequestId: requestId,
        LogicalResourceId: "Keys",
        ResourceProperties: {
          RootKeyParameter: PARAMETER,
          KeyValueStoreArn: this.#storeArn,
          DashboardOrigin: "http://localhost:4000",
          WorkspaceHostSuffix: ".ws.localhost:4000",
          Generation: generation,
        },
      })
      .then((done) => {
        result = done;
      });
    await this.world.clock.runUntil(this.world.clock.now() + 120_000, () => result !== undefined);
    return this.world.told.some((body) => body.includes(`"${requestId}"`) && body.includes('"SUCCESS"'));
  }

  get root(): RootKey | undefined {
    const text = this.world.cloud?.services.ssm.readSecret(PARAMETER);
    return text === undefined ? undefined : parseRootKey(text);
  }

  /** @returns a key of the root that the edge does not have, or another one that it has; `undefined` when they agree */
  get disagreement(): string | undefined {
    const stores = this.world.cloud?.services.all.find(({ name }) => name === "cloudfront-keyvaluestore");
    const store = (stores as unknown as Stores).find(this.#storeArn);
    const { current, previous } = this.root ?? {};
    const wanted = [current, previous].filter((secret) => secret !== undefined);
    const wrong = wanted.find(
      (secret) => store.get(`edge-key.${secret.id}`) !== deriveFrom(secret, "atelier/edge").toString("base64url"),
    );
    if (wrong) return `generation ${wrong.id}`;
    return store.count() === wanted.length + 1 ? undefined : `${store.count()} keys for ${wanted.length} generations`;
  }
}

interface Stores {
  find(arn: string): { get(key: string): string | undefined; count(): number };
}

/** Until it is done, as whoever deploys does. */
async function deploy(deployment: Deployment, generation: string): Promise<void> {
  for (let tries = 0; tries < 4; tries += 1) if (await deployment.ask(generation)) return;
  throw new Error(`Generation ${generation} was never made.`);
}

describe("the keys of a deployment", () => {
  it.for(CALLS)("agree with the edge in the end, whichever call is %s", async (name) => {
    for (let nth = 0; nth < 24; nth += 1) {
      const deployment = new Deployment(`${name} ${nth}`, [{ occasion: "call", nth, name, ms: 8_000, times: 1 }]);
      await deployment.start();
      let before: RootKey | undefined;
      for (const generation of ["1", "2", "3"]) {
        await deploy(deployment, generation);
        const { current, previous } = deployment.root ?? {};
        expect([current?.id, previous]).toEqual([generation, before?.current]);
        expect(deployment.disagreement, `${name} ${nth}, generation ${generation}`).toBeUndefined();
        before = deployment.root;
      }
      deployment.world.end();
    }
  });

  it("are one, and agree with the edge, when they are made twice at the same moment", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const deployment = new Deployment(`twice ${seed}`, []);
      await deployment.start();
      let before: RootKey | undefined;
      for (const generation of ["1", "2", "3"]) {
        await Promise.all([deployment.ask(generation), deployment.ask(generation)]);
        const { current, previous } = deployment.root ?? {};
        expect([current?.id, previous]).toEqual([generation, before?.current]);
        expect(deployment.disagreement, `seed ${seed}, generation ${generation}`).toBeUndefined();
        before = deployment.root;
      }
      deployment.world.end();
    }
  });

  it("never lock out who has a good proof, at whatever moment they are made anew", async () => {
    for (let nth = 0; nth < 12; nth += 1) {
      const name = "killed after a call";
      const deployment = new Deployment(`killed ${nth}`, [{ occasion: "call", nth: nth + 12, name, ms: 0, times: 1 }]);
      await deployment.start();
      for (const generation of ["1", "2", "3"]) {
        if (await deployment.ask(generation)) continue;
        expect(deployment.disagreement ?? "", `killed after call ${nth}`).not.toMatch(/^generation/);
        break;
      }
      deployment.world.end();
    }
  });
});
