/**
 * How long a fact takes from a supervisor to a dashboard: one `POST /rpc` of `instance.report` until the socket of the owner has
 * `workspace.changed`, through the whole embedded cloud. The task is a client of the supervisor's protocol that does nothing
 * else, so that nothing but the way is measured.
 */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { realClock, realRandom } from "../../local/clock.ts";
import { createCloud } from "../../local/cloud.ts";
import type { Engine, TaskExit, TaskSpec } from "../../local/ecs/engine.ts";
import { workerRuntime } from "../../local/lambda/worker-runtime.ts";
import { readLocalParameters } from "../../local/read-local-parameters.ts";
import { loadSynthesized } from "../../local/template/load-template.ts";
import { Person, send } from "../person.ts";
import { serveShop } from "../shop-repository.ts";

const SILENT = { info() {}, warn() {}, error: console.error };

/** @returns milliseconds, one value a report */
export async function measureReports(count: number): Promise<number[]> {
  const local = readLocalParameters(join(import.meta.dirname, "../.."));
  let begin: (task: TaskSpec) => void;
  const begun = new Promise<TaskSpec>((resolve) => {
    begin = resolve;
  });
  const cloud = await createCloud({
    synthesized: loadSynthesized(local.synthesized),
    parameters: local.parameters,
    openIdClient: local.openIdClient,
    stateDirectory: undefined,
    port: 0,
    clock: realClock,
    random: realRandom,
    log: SILENT,
    runtime: workerRuntime,
    engine: async () => engineOf((task) => begin(task)),
  });
  await cloud.start();
  const git = await serveShop();
  try {
    const origin = `http://localhost:${cloud.port}`;
    const ada = await Person.signIn(origin, "ada");
    const socket = await ada.openSocket();
    const { id } = await ada.create(`${git.url}/acme/shop.git`);
    const supervisor = await helloOf(origin, await begun);
    const sample: number[] = [];
    for (let sequence = 1; sequence <= count; sequence += 1) {
      const detail = `Receiving objects ${sequence}`;
      const arrived = socket.next(
        ({ params }) =>
          params?.workspace?.id === id &&
          params.workspace.instance?.stages.some((stage) => stage.detail === detail) === true,
        5_000,
        `report ${sequence}`,
      );
      const sentAt = performance.now();
      await Promise.all([
        supervisor("instance.report", reportOf(sequence, detail)),
        arrived.then(() => sample.push(performance.now() - sentAt)),
      ]);
    }
    socket.close();
    return sample;
  } finally {
    await cloud.stop();
    await git.stop();
  }
}

type Call = (method: string, params: Record<string, unknown>) => Promise<void>;

async function helloOf(origin: string, { environment }: TaskSpec): Promise<Call> {
  const instanceId = environment.ATELIER_INSTANCE_ID as string;
  const secret = randomBytes(32).toString("base64url");
  const call = async (method: string, params: Record<string, unknown>, bearer?: string): Promise<void> => {
    const headers = { "content-type": "application/json", ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) };
    const answer = await send(`${origin}/rpc`, {
      method: "POST",
      headers,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { error } = JSON.parse(answer.body);
    if (error) throw new Error(`${method}: ${error.message}`);
  };
  const secretHash = createHash("sha256").update(secret).digest("hex");
  await call("instance.hello", {
    instanceId,
    ticket: environment.ATELIER_LAUNCH_TICKET,
    secretHash,
    protocolVersion: 1,
  });
  return (method, params) => call(method, params, `${instanceId}.${secret}`);
}

function reportOf(sequence: number, detail: string): Record<string, unknown> {
  return {
    bootId: "benchboot",
    sequence,
    clone: { state: "active", startedAt: Date.now(), detail },
    ide: { state: "waiting" },
    ports: [],
    tasks: [],
  };
}

function engineOf(begin: (task: TaskSpec) => void): Engine {
  return {
    name: "bench",
    notice: undefined,
    prepare: async (task) => ({
      start: async () => {
        let end: (exit: TaskExit) => void = () => {};
        const exited = new Promise<TaskExit>((resolve) => {
          end = resolve;
        });
        begin(task);
        return {
          memento: null,
          exited,
          stop: async () => end({ exitCode: 0 }),
          inspect: async () => ({ processes: [] }),
        };
      },
    }),
    adopt: async () => undefined,
    discard: async () => {},
  };
}
